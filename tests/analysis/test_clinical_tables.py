"""Clinical tables from a store: what stands in them, where it is from, and what is said beside."""

import json

import numpy as np
import pytest
from storing import attack, started

from smd import __main__ as cli
from smd import export
from smd.analysis.balanced import balanced_cells
from smd.analysis.clinical_sources import Asked
from smd.analysis.clinical_tables import clinical_tables
from smd.config.schema import TrainConfig, to_json
from smd.errors import UserError
from smd.runs import folders
from smd.store import reader
from smd.store.connection import writing
from smd.store.records import ScoreRecord, Scores

ABOUT = {"norm": "Linf", "seed": 0, "package": "smd", "version": "1", "seconds": 1.0, "job": "j"}
EPS = 8 / 255


def score(recorder, eps, own, split="test", created=1.0):
    """Record scores of two classes; own: of each image's own class, labels alternate."""
    own = np.float32(own)
    labels = np.arange(len(own)) % 2
    signed = np.where(labels == 1, own, -own)
    name = f"{split}:{eps:.4f}:{created}"
    about = {**ABOUT, "split": split, "n": len(own), "created": created}
    record = ScoreRecord(id=name, eps=eps, steps=50 if eps else 0, **about)
    recorder.score(record, Scores(np.arange(len(own)), np.stack([-signed, signed], 1)))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Four test images, two of a patient each at two sites, under an attack; scores at 8/255."""
    path = tmp_path_factory.mktemp("clinical") / "run.duckdb"
    recorder = started(path)
    attack(recorder, eps=0.0, ok=(1, 1, 1, 0))
    attack(recorder, eps=EPS, ok=(1, 1, 0, 0))
    attack(recorder, eps=EPS, seed=1, ok=(1, 0, 0, 0))
    attack(recorder, name="autoattack", eps=4 / 255, ok=(1, 0, 1, 0), created=2.0)
    attack(recorder, eps=4 / 255, ok=(1, 1, 1, 0))
    score(recorder, EPS, (1.0, -0.5, -2.0, -1.0))
    score(recorder, 0.0, (2.0, 1.5, 0.5, -1.0))
    score(recorder, 0.0, (2.0, 1.5, 0.5, -1.0, 1.0, 3.0), split="val")
    with writing(path) as con:
        con.execute("UPDATE sample SET patient = 'p' || (idx // 2) WHERE split = 'test'")
        con.execute("INSERT INTO sample_group SELECT split, idx, 'site', 'A' FROM sample")
        con.execute(
            "INSERT INTO sample BY NAME SELECT 'val' AS split, idx, label, source FROM sample"
            " WHERE split = 'train'"
        )
    return path


def values(table, level):
    """measure (and class) -> value, of one level."""
    rows = table[table["noise level"] == level]
    return {(r["measure"], r["class"]): r["value"] for r in rows.to_dict("records")}


def test_clean_numbers_are_those_of_the_scores(store):
    found = clinical_tables(Asked(store, "r"), (0.0,))
    clean = values(found.numbers, "0")
    assert clean["sensitivity (%)", "dog"] == 50  # images 1 and 3, of which one is right
    assert clean["specificity (%)", "dog"] == 100
    assert clean["PPV (%)", "dog"] == 100
    assert clean["NPV (%)", "dog"] == pytest.approx(66.67)
    assert clean["balanced accuracy (%)", ""] == 75
    assert clean["AUC", ""] == 0.75  # dogs have 1.5 and -1, cats -2 and -0.5
    assert found.numbers["n"].tolist() == [4] * len(found.numbers)
    assert set(found.numbers["patients"]) == {2}
    assert set(found.numbers["from"]) == {"clean scores"}


def test_under_attack_they_are_at_most_and_of_the_worst_scores(store):
    found = clinical_tables(Asked(store, "r"), (EPS,))
    worst = values(found.numbers, "8/255")
    assert worst["sensitivity under attack, at most (%)", "dog"] == 0
    assert worst["specificity under attack, at most (%)", "dog"] == 50
    # class 1's scores are -1, -0.5, 2, -1: one of four pairs is in order, one a tie
    assert worst["AUC under attack, at most", ""] == 0.375
    assert all("under attack, at most" in name for name, _ in worst)
    assert any("at most" in note for note in found.notes)


def test_without_scores_the_strongest_attack_tells_and_no_auc(store):
    found = clinical_tables(Asked(store, "r"), (4 / 255,))
    rates = values(found.numbers, "4/255")
    assert rates["sensitivity under attack, at most (%)", "dog"] == 0
    assert not any("AUC" in name for name, _ in rates)
    assert set(found.numbers["from"]) == {"AutoAttack, 20 steps"}
    assert any("score r --split test --eps 4/255" in note for note in found.notes)
    weaker = clinical_tables(Asked(store, "r", attack="ce-pgd"), (4 / 255,))
    rates = values(weaker.numbers, "4/255")
    assert rates["sensitivity under attack, at most (%)", "dog"] == 50


def test_a_named_attack_tells_its_own_predictions_unless_a_threshold_is_given(store):
    named = Asked(store, "r", attack="ce-pgd")
    found = clinical_tables(named, (EPS,)).numbers
    assert values(found, "8/255")["accuracy under attack, at most (%)", ""] == 25
    assert set(found["from"]) == {"CE-PGD, 20 steps, worst of 2 seeds", "worst scores, 50 steps"}
    cut = clinical_tables(named, (EPS,), 0.5).numbers
    assert set(cut["from"]) == {"worst scores, 50 steps"}


def test_of_all_levels_those_that_a_threshold_cannot_tell_are_said(store):
    found = clinical_tables(Asked(store, "r"), (), 0.5)
    assert set(found.numbers["noise level"]) == {"0", "8/255"}
    assert any("No scores are known at 4/255" in note for note in found.notes)


def test_over_seeds_the_worst_counts(tmp_path):
    recorder = started(tmp_path / "run.duckdb")
    attack(recorder, eps=EPS, ok=(1, 1, 0, 1))
    attack(recorder, eps=EPS, seed=1, ok=(1, 0, 0, 1))
    found = clinical_tables(Asked(tmp_path / "run.duckdb", "r")).numbers
    rates = values(found, "8/255")
    assert rates["accuracy under attack, at most (%)", ""] == 50
    assert set(found["from"]) == {"CE-PGD, 20 steps, worst of 2 seeds"}
    assert found["patients"].isna().all()


def test_a_threshold_is_given_or_chosen_on_validation_images(store):
    high = clinical_tables(Asked(store, "r"), (0.0,), 0.9)
    assert values(high.numbers, "0")["sensitivity (%)", "dog"] == 0  # 1.5 is 82 %
    assert "dog is said where its probability is at least 0.9" in high.notes[0]
    chosen = clinical_tables(Asked(store, "r"), (0.0,), "youden")
    # of validation dogs 1.5 and 3 lie above all cats
    assert "at least 0.8176, Youden's choice on 6 validation images" in chosen.notes[0]
    assert values(chosen.numbers, "0")["sensitivity (%)", "dog"] == 50
    with pytest.raises(UserError, match="--split val --eps 0"):
        clinical_tables(Asked(store, "r", weights="ema"), (0.0,), "youden")
    with pytest.raises(UserError, match="write youden or a number"):
        clinical_tables(Asked(store, "r"), (0.0,), 1.5)
    with pytest.raises(UserError, match="Nothing is known of test images at 4/255"):
        clinical_tables(Asked(store, "r"), (4 / 255,), 0.5)


def test_small_groups_are_marked_and_tell_no_numbers(store):
    groups = clinical_tables(Asked(store, "r"), (0.0,), group="site").groups
    assert set(zip(groups["group"], groups["value"], strict=True)) == {("site", "A")}
    assert groups["too small"].all()
    assert groups["number"].isna().all()
    assert groups["n"].tolist() == [4] * len(groups)
    with pytest.raises(UserError, match="no group scanner: they have site"):
        clinical_tables(Asked(store, "r"), (0.0,), group="scanner")


def test_the_confusion_matrix_counts_every_image_once(store):
    table = clinical_tables(Asked(store, "r"), (0.0, EPS)).confusion
    assert table[["as cat", "as dog"]].to_numpy().tolist() == [[2, 0], [1, 1], [1, 1], [2, 0]]


def test_scores_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "run.duckdb"
    recorder = started(path)
    score(recorder, 0.0, (1.0,) * 9)  # the split has four images
    with pytest.raises(UserError, match="do not fit its images"):
        clinical_tables(Asked(path, "r"))
    with pytest.raises(UserError, match="has no images"):
        clinical_tables(Asked(path, "r", split="val"))


def test_a_store_without_scores_and_verdicts_says_which_command_finds_them(tmp_path):
    started(tmp_path / "run.duckdb")
    with pytest.raises(UserError, match="score r --split test` finds their scores"):
        clinical_tables(Asked(tmp_path / "run.duckdb", "r"))


def test_the_command_prints_numbers_confusion_and_notes(store, monkeypatch, capsys):
    run = folders.Run("a-run", store.parent)
    (run.folder / "config.json").write_text(json.dumps(to_json(TrainConfig())))
    monkeypatch.setattr(folders, "find", lambda text: run)
    assert cli.main(["clinical", "a-run", "--eps", "0,8/255"]) == 0
    told = capsys.readouterr().out
    assert "AUC under attack, at most" in told
    assert "as dog" in told
    assert cli.main(["clinical", "a-run", "--format", "csv", "--table", "confusion"]) == 0
    assert capsys.readouterr().out.startswith("noise level,class,as cat,as dog")


def test_balanced_accuracy_is_the_mean_over_classes_and_seeds(store):
    config = TrainConfig("digits")
    cells = export.accuracy_cells({"r": (config, reader.attack_table(store))})
    facts = {"r": {"test": reader.sample_facts(store, "test")}}
    found = balanced_cells(cells, {"r": reader.image_verdicts(store)}, facts)
    known = {(c.attack, round(255 * c.eps)): c.percent for c in found.itertuples()}
    assert known == {
        ("autoattack", 4): 50,  # cats 2 of 2, dogs 0 of 2
        ("ce-pgd", 0): 75,
        ("ce-pgd", 4): 75,
        ("ce-pgd", 8): pytest.approx(37.5),  # cats 1 of 2; of dogs one of two under one seed
    }
    assert found["spread"].isna().all()
    unknown = balanced_cells(cells, {}, {})
    assert unknown["percent"].isna().all()
    assert len(unknown) == len(cells)
