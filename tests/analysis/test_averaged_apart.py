"""Verdicts on averaged weights are those of another network: nothing pools them with the last."""

import numpy as np
import pytest
from storing import attack, estimate, started

from app.sections import sample_verdicts, stored_attacks
from smd import export
from smd.analysis import agreement, gaps
from smd.config.notes import AVERAGED
from smd.config.schema import TrainConfig
from smd.export.estimates import estimate_table
from smd.export.titles import attack_title
from smd.store import reader
from smd.tasks.attack import AttackConfig, _note

LAST, EMA = (1, 1, 1, 0), (1, 0, 0, 0)


@pytest.fixture
def store(tmp_path):
    """Two attacks on both sets of weights, with the same settings otherwise."""
    recorder = started(tmp_path / "run.duckdb")
    for created, (note, ok) in enumerate((("", LAST), (AVERAGED, EMA)), start=1):
        fields = {"note": note, "created": float(created), "job": f"job{note}"}
        attack(recorder, eps=0.0, ok=(1, 1, 1, 1) if note else (1, 1, 1, 0), **fields)
        attack(recorder, ok=ok, **fields)
        attack(recorder, "autoattack", ok=ok, stages=("apgd-ce",), **fields)
    return tmp_path / "run.duckdb"


def test_the_table_has_a_row_for_each(store):
    table = reader.attack_table(store)
    ours = table[(table["name"] == "ce-pgd")].set_index(["note", "eps"])["accuracy"].round(4)
    assert dict(ours) == {
        ("", 0.0): 0.75,
        ("", 8 / 255): 0.75,
        (AVERAGED, 0.0): 1.0,
        (AVERAGED, 8 / 255): 0.25,
    }


def test_outcomes_and_patterns_are_of_one_network(store):
    for weights, ok in (("last", LAST), ("ema", EMA)):
        outcomes = reader.outcomes(store, "test", 8 / 255, weights=weights)
        for _, rows in outcomes.groupby("name"):
            assert rows.sort_values("idx")["ok"].astype(int).tolist() == list(ok)
        assert len(agreement.settings_by_strength(outcomes)) == 2
        counts = agreement.counted(agreement.patterns(outcomes)).set_index("pattern")["n"]
        assert counts[agreement.WITHSTOOD] == sum(ok)


def test_gaps_stay_within_one_network(store):
    table = gaps.gaps(reader.image_verdicts(store))
    assert table[["weaker", "stronger"]].to_numpy().tolist() == [
        ["CE-PGD, 20 steps", "AutoAttack, 20 steps"],
        ["CE-PGD, 20 steps, weights=ema", "AutoAttack, 20 steps, weights=ema"],
    ]
    assert table["gap"].tolist() == [0, 0]  # a mixed pair would have one of 50 points


def test_tables_trainings_and_curves_keep_them_apart(store):
    runs = {
        f"run{seed}": (TrainConfig(average="ema", seed=seed), reader.attack_table(store))
        for seed in (0, 1)
    }
    wide = export.accuracy_table(runs)
    at = wide[wide["attack"] == "CE-PGD"].groupby("note")["8/255"].agg(list).to_dict()
    assert at == {"": [75.0, 75.0], AVERAGED: [25.0, 25.0]}
    grouped = export.grouped(runs)
    both = grouped[(grouped["attack"] == "ce-pgd") & (grouped["eps"] > 0)].set_index("note")
    assert dict(both["percent"]) == {"": 75.0, AVERAGED: 25.0}
    assert set(both["trainings"]) == {2}
    points = export.robustness_points(runs)
    assert set(points["note"]) == {""}  # a curve is of the last weights where both are there


def test_a_page_holds_margins_against_attacks_on_the_same_weights(store):
    rows = reader.attack_runs(store)
    attacks = stored_attacks.Attacks(rows[rows["eps"] > 0])
    assert set(attacks.on("test", "Linf")["note"]) == {""}
    assert set(attacks.on("test", "Linf", "ema")["note"]) == {AVERAGED}
    assert attacks.newest("ema") == ("test", "Linf")


def test_a_sample_s_clean_verdicts_are_two_rows(store):
    table = sample_verdicts.table(reader.sample_verdicts(store, "test", 3), ("cat", "dog"))
    clean = table[table["noise level"] == "clean"]
    assert clean[["attack", "robust"]].to_numpy().tolist() == [
        ["none", "no"],
        ["none, weights=ema", "yes"],
    ]


def test_estimates_say_which_weights_they_are_of(store):
    recorder = started(store)
    estimate(recorder, [1, 2, 3, 4], split="test")
    estimate(recorder, [2, 3, 4, 5], split="test", created=2.0, weights="ema")
    table = reader.estimates(store)
    assert table["weights"].tolist() == ["last", "ema"]
    results = {name: reader.estimate_results(store, name) for name in table["id"]}
    shown = estimate_table(table, results, (8 / 255,))
    assert shown["method"].tolist() == ["PGD 8/255", "PGD 8/255, weights=ema"]
    assert np.isfinite(shown["median (1/255)"]).all()


def test_a_note_is_a_setting_of_every_attack():
    class Task:
        plan = type("Plan", (), {"note": ""})

    for name in ("ce-pgd", "ce-cw-pgd", "autoattack"):
        note = _note(AttackConfig("r", name, weights="ema"), Task())
        assert AVERAGED in note.split()
        assert attack_title(name, note).endswith(", weights=ema")
        assert AVERAGED not in _note(AttackConfig("r", name), Task())
