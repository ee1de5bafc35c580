"""The report says what the store says, in HTML that nothing from elsewhere can break out of."""

import base64
import io
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from storing import attack, estimate

from smd import data
from smd.__main__ import main
from smd.analysis import bootstrap, clinical
from smd.analysis.clinical_sources import Asked
from smd.analysis.clinical_tables import clinical_tables
from smd.config.importing import ImportConfig
from smd.config.schema import AttackConfig, TrainConfig
from smd.errors import UserError
from smd.export.percent import interval, shown
from smd.report import (
    accuracy,
    fragile,
    limits,
    margins,
    page,
    pictures,
    repeat,
    subgroups,
    summary,
    training,
)
from smd.report import clinical as clinical_section
from smd.report.confusion import counts
from smd.report.known import known, matching
from smd.report.page import SECTIONS, report
from smd.runs import folders
from smd.store import reader
from tests.report.reporting import (
    HOSTILE,
    LABELS,
    WRONG,
    Page,
    begun,
    facts,
    full,
    images,
    judged,
    queued,
)


@pytest.fixture(autouse=True)
def imported(monkeypatch):
    """The cache has the images of the run."""
    kept = images()
    monkeypatch.setattr(data, "find", lambda key, content: kept if key == "key" else None)
    return kept


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run with everything, the report on it, and what that is made of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMD_RUNS", str(tmp_path_factory.mktemp("whole") / "runs"))
        patch.setattr(data, "find", lambda key, content: images())
        run = full(
            image_notes=["One file was left out."],
            image_cautions=["Few images of 'dog'."],
            intensity={"low": -1000, "high": 1040, "unit": "HU"},
        )
        folders.create_job(run, AttackConfig(run.id, "ce-pgd", n=8), claim=True)
        facts(run.store, "ppqrstuv", [(k, "site", "<b>A</b>" if k < 3 else "B") for k in range(8)])
        return run, report(run), known(run, "test")


def test_a_page_is_whole_html_that_asks_for_nothing(whole):
    seen = Page(whole[1])
    assert page.UNREADABLE not in seen.text
    assert seen.named("html") == [{"lang": "en"}]
    assert seen.named("meta")[0] == {"charset": "utf-8"}
    assert not {"script", "link", "iframe", "object", "form", "base"} & {
        tag for tag, _ in seen.tags
    }
    assert all(attrs["src"].startswith("data:image/png;base64,") for attrs in seen.named("img"))
    assert not [tag for tag, attrs in seen.tags if "src" in attrs and tag != "img"]
    values = [(name, value) for _, attrs in seen.tags for name, value in attrs.items()]
    assert {name for name, value in values if "http" in (value or "")} == {"alt"}  # EVIL's name
    assert "url(" not in whole[1]
    assert {attrs["href"][0] for attrs in seen.named("a")} == {"#"}
    assert not [name for _, attrs in seen.tags for name in attrs if name.startswith("on")]
    assert "default-src 'none'" in seen.named("meta")[2]["content"]


def test_it_can_be_read_by_those_who_do_not_see(whole):
    seen = Page(whole[1])
    assert seen.headings[0] == 1
    assert set(np.diff(seen.headings)) <= {-1, 0, 1}
    assert seen.headings.count(2) == len(SECTIONS)
    assert len(seen.named("caption")) == len(seen.named("table")) > 5
    assert all(attrs["alt"] for attrs in seen.named("img"))
    charts = [attrs for attrs in seen.named("svg") if attrs.get("aria-hidden") != "true"]
    assert len(charts) == 3
    assert all(attrs["role"] == "img" for attrs in charts)
    ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
    assert len(set(ids)) == len(ids) == len(SECTIONS)
    assert {attrs["href"] for attrs in seen.named("a")} == {f"#{name}" for name in ids}


def test_names_from_strangers_are_text(whole):
    text = Page(whole[1]).text
    assert HOSTILE in text
    assert "onerror=alert(1)" in text
    assert "site: <b>A</b>" in text
    assert "\x1b" not in whole[1]
    assert "<script" not in whole[1]
    assert len(Page(whole[1]).named("img")) == 6


def test_the_summary_is_of_the_strongest_attack(whole):
    run, html, _ = whole
    text = Page(html).text
    assert "was trained with SMD on 8 training images of set, 3 classes, for 2 epochs" in text
    row = reader.attack_table(run.store).query("name == 'autoattack' and eps > 0.03").iloc[0]
    assert row["accuracy"] == 4 / 8
    told = f"noise of at most 8/255 in every pixel (L∞), 50.00 % (95 % interval {interval(0.5, 8)}"
    assert "under AutoAttack, the strongest attack that was run, with " + told in text
    assert f"it classifies 87.50 % (95 % interval {interval(7 / 8, 8)}, n = 8) correctly" in text
    assert "open by" in text


def test_every_accuracy_is_the_stores(whole):
    run, html, _ = whole
    rows = re.findall(r"<tr>.*?</tr>", re.search(r'<table class="accuracy".*?</table>', html)[0])
    cells = [re.sub("<[^>]+>", "|", row).split("|") for row in rows[1:]]
    found = {tuple(filter(None, row))[1:5] for row in cells}
    table = reader.attack_table(run.store)
    told = {
        (
            f"{round(255 * row.eps)}/255" if row.eps else "clean",
            f"{row.n}",
            shown(100 * row.accuracy),
            f"{100 * row.lo:.1f} to {100 * row.hi:.1f}",
        )
        for row in table.itertuples()
    }
    assert found == told
    assert ("2/255", "8", "81.25", "46.7 to 95.5") in told


def test_confusions_are_counted_from_verdicts(whole):
    known_run = whole[2]
    noisy = counts(known_run, known_run.strongest.noisy)
    said = np.where(known_run.strongest.noisy["ok"], LABELS, WRONG)
    expected = np.zeros((3, 3), int)
    np.add.at(expected, (LABELS, said), 1)
    assert noisy.tolist() == expected.tolist()
    hostile = known_run.strongest.noisy.assign(pred=[9, -1, *[0] * 6])
    assert counts(known_run, hostile).sum() == 6


def test_margins_are_counted_by_kind_and_the_smallest_are_shown(whole):
    text = Page(whole[1]).text
    assert "found 6 75.0" in text
    assert "reached 1 12.5" in text
    assert "misclassified 1 12.5" in text
    order = re.findall(r"margin ([\d.]+)/255, found", text)
    assert order == ["1.25", "3.00", "5.00", "7.50", "9.00", "20.00"]
    assert f"dog → {HOSTILE} at 8/255 margin 1.25/255, found set/ test/ 5.png" in text
    assert "fooled by no stored attack margin 7.50/255" in text
    assert "2/255 75.0" in text  # margin > 2/255: all but the nearest and the misclassified


def test_what_the_data_are_is_told(whole):
    text = Page(whole[1]).text
    assert f"{HOSTILE} 3 3 3 9" in text
    assert "all classes 8 8 8 24" in text
    assert "black is -1,000 HU and white 1,040 HU; noise of 2/255 is 16 HU" in text
    assert "8/255 is 64 HU" in text
    assert "One file was left out." in text
    assert "Few images of 'dog'." in text
    assert "Patients: 7 in training, 7 in validation and 7 in test" in text
    assert "Several images are of one patient" in text


def test_small_groups_have_a_mark_and_no_numbers(whole):
    text = Page(whole[1]).text
    assert "site: <b>A</b> * 3 2 – – – –" in text
    assert "site: B * 5 5 – – – –" in text


def test_groups_have_numbers_with_intervals_over_patients(monkeypatch):
    monkeypatch.setattr(clinical, "FEWEST", 1)
    monkeypatch.setattr(bootstrap, "FEWEST_PATIENTS", 2)
    run = full()
    facts(run.store, "ppqqrrss", [(k, "site", "A") for k in range(8)])
    rows = clinical_tables(Asked(run.store, run.id, attack="autoattack"), (8 / 255,)).groups
    row = rows[rows["measure"] == "accuracy under attack, at most (%)"].iloc[0]
    assert row["number"] == 50
    ends = f"{row['95 % from']:.1f}–{row['95 % to']:.1f}"
    assert ends != interval(0.5, 8).removesuffix(" %").replace(" to ", "–")  # Wilson's, of images
    assert f"{row['number']:.1f} {ends}" in Page(subgroups.section(known(run, "test"))).text


def test_clinical_numbers_of_few_patients_have_no_interval(whole):
    text = Page(whole[1]).text
    named = "balanced accuracy under attack, at most (%) 8/255 50.0 – 8 7 AutoAttack"
    assert named in text
    assert "fewer than 10 patients" in text


def test_clinical_numbers_have_their_intervals(whole, monkeypatch):
    monkeypatch.setattr(bootstrap, "FEWEST_PATIENTS", 2)
    text = Page(clinical_section.section(known(whole[0], "test"))).text
    table = clinical_tables(Asked(whole[0].store, whole[0].id), (0.0, 8 / 255)).numbers
    named = table["measure"] == "balanced accuracy under attack, at most (%)"
    row = table[named].iloc[0]
    ends = f"{row['95 % from']:.1f} to {row['95 % to']:.1f}"
    assert f"{row['measure']} 8/255 {row['value']:.1f} {ends} 8 7 AutoAttack" in text
    assert f"smd score {whole[0].id} --split test --eps 0,8/255 finds them" in text


def test_flags_say_what_they_mean(whole):
    text = Page(whole[1]).text
    assert "Square beats white-box: Square, which sees no gradient" in text
    assert "Raised by AutoAttack at 8/255. Details: 3 points." in text
    assert "AutoAttack, the field's yardstick, was not run" not in text


def test_it_can_be_repeated_without_telling_of_the_machine(whole):
    run, html, _ = whole
    text = Page(html).text
    assert "smd train --data folder" in text
    assert "--path set.zip" in text
    assert f"smd attack {run.id} --attack ce-pgd --split test --n 8" in text
    assert f"smd report {run.id} --split test" in text
    assert "/home/somebody" not in html
    assert "c0ffee" in text
    assert "torch 9.9" in text


def test_of_a_run_that_has_not_begun_the_command_writes_what_each_section_lacks(
    tmp_path, monkeypatch, capsys
):
    run = queued(TrainConfig(epochs=1))
    monkeypatch.chdir(tmp_path)
    assert main(["report", "last"]) == 0
    assert capsys.readouterr().out == f"{run.id}-report.html\n"
    html = (tmp_path / f"{run.id}-report.html").read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>")
    text = Page(html).text
    assert "It waits for its turn: this run is queued" in text
    for sentence in (
        "it has not begun, so it has no images yet",
        f"attack {run.id} --attack ce-pgd",
        "No epoch is stored yet",
        "No attack on test images is stored, so there is no accuracy",
        f"estimate {run.id} --method min-norm",
        "it is not known which of them fall first",
        "No groups are known",
        "No attack has looked",
        "no hash stored",
    ):
        assert sentence in text


def test_images_that_are_gone_or_are_others_are_listed_without_pictures(whole, monkeypatch):
    run, _, facts = whole
    rows = reader.samples(run.store, "test")
    others = (images(n=3), replace(images(), labels=images().labels[::-1]), None, images())
    for found in others:
        monkeypatch.setattr(data, "find", lambda key, content, found=found: found)
        assert matching(facts.about, rows) is (found if found is others[-1] else None)
    listed = Page(fragile.section(replace(facts, images=None)))
    assert not listed.named("img")
    assert f"smd locate {run.id} --path PATH" in listed.text
    assert "margin 1.25/255, found" in listed.text


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 5, 8, 8), (3, 300, 200)])
def test_pictures_of_colours_volumes_and_large_images(shape):
    """Small ones are enlarged, pixel for pixel; of a volume the middle slice is shown."""
    kept = images(shape)
    link = Page(pictures.picture(kept, 2, "two")).named("img")[0]["src"]
    shown = Image.open(io.BytesIO(base64.b64decode(link.removeprefix("data:image/png;base64,"))))
    assert max(shown.size) == (96 if shape[-1] == 8 else 192)
    if shape[-1] == 8:
        one = kept.pixels[2][:, 2] if len(shape) == 4 else kept.pixels[2]
        assert (np.asarray(shown)[::12, ::12].reshape(8, 8, -1) == np.moveaxis(one, 0, 2)).all()


def test_averaged_weights_are_told_apart():
    run, recorder = begun(config=TrainConfig(epochs=1, average="ema"))
    about = {"job": "ema", "note": "weights=ema"}
    attack(recorder, "autoattack", ok=(1, 1, 1, 1), **about)
    estimate(recorder, (4, 4), "min-norm", 0.0, "test", weights="ema")
    recorder.flush()
    text = summary.measured(known(run, "test"))
    assert "under AutoAttack, 20 steps, weights=ema, the strongest attack that was run" in text
    assert "The clean accuracy on 4 test images is not stored" in text
    attack(recorder, "ce-pgd", eps=0.0, ok=(1, 1, 0, 0), job="last")
    attack(recorder, "ce-pgd", ok=(1, 0, 0, 0), job="last")
    estimate(recorder, (6, 6), "min-norm", 0.0, "test", created=0.0)
    recorder.flush()
    facts = known(run, "test")
    assert "under CE-PGD, 20 steps, the strongest attack" in summary.measured(facts)
    assert "weights=ema" in accuracy.section(facts)
    assert "margin 6.00/255" in fragile.section(facts)


def test_what_took_over_earlier_verdicts_is_the_strongest_only_where_it_is_the_only_one():
    run, recorder = begun(config=TrainConfig(epochs=1))
    attack(recorder, "autoattack", ok=(0, 0, 0, 0), note="sound=yes", job="sound")
    recorder.flush()
    text = summary.measured(known(run, "test"))
    assert "under AutoAttack, 20 steps, sound=yes, the strongest attack that was run" in text
    attack(recorder, "ce-pgd", ok=(1, 0, 0, 0), job="alone")
    recorder.flush()
    assert "under CE-PGD, 20 steps, the strongest" in summary.measured(known(run, "test"))


def test_an_import_is_said_to_be_from_elsewhere():
    config = ImportConfig(data="digits", file="/home/somebody/<net>.pt")
    file = {"name": "<net>.pt", "bytes": 3, "sha256": "ab" * 32}
    run, _ = begun(config=config, file=file, normalisation={"mean": [0.5], "std": [0.25]})
    facts = known(run, "test")
    told = summary.trained(facts)
    assert "was trained elsewhere, imported from <net>.pt and judged here on Digits" in told
    assert "mean 0.5, standard deviation 0.25" in training.section(facts)
    again = repeat.section(facts)
    assert f"SHA-256 {'ab' * 32}" in again
    assert "/home/somebody" not in again
    assert "its training has seen these images" in limits.section(facts)


@pytest.mark.parametrize("error", [TypeError, ValueError, KeyError, OverflowError])
def test_a_section_that_meets_rows_not_as_written_says_so(error, monkeypatch):
    def broken(_):
        raise error("none")

    monkeypatch.setattr(page, "known", lambda run, split: SimpleNamespace(run=run, split=split))
    monkeypatch.setattr(page, "SECTIONS", (("a", "A", broken), ("b", "B", lambda _: "<fine>")))
    monkeypatch.setattr(page, "_title", lambda facts: "T")
    text = Page(report(SimpleNamespace(id="run-0"))).text
    assert f"1 A {page.UNREADABLE} 2 B <fine>" in text


def test_a_run_of_many_classes_without_estimates_and_with_a_broken_description():
    """The first images to fall are then those that the smallest level has fooled."""
    run, recorder = begun(
        classes=[f"class {k}" for k in range(50)],
        image_notes="no list",
        intensity={"low": "x", "high": None},
        started_from=["odd"],
        file=7,
        normalisation=3,
    )
    judged(recorder)
    recorder.flush()
    text = Page(report(run)).text
    assert "The 3 most frequent confusions of 50 classes." in text
    assert "10 other classes 0 0 0 0" in text
    assert "in a form that this version does not read" in text
    told = re.findall(r"fooled at (\d/255), margin not estimated test image (\d)", text)
    assert told == [("2/255", "7"), ("8/255", "1"), ("8/255", "5")]


def test_levels_in_l2_are_lengths():
    run, recorder = begun()
    for eps, ok in ((0.0, (1, 1)), (0.25, (1, 1)), (0.5, (1, 0))):
        attack(recorder, eps=eps, ok=ok, norm="L2")
    estimate(recorder, (100.0, 200.0), "min-norm", 0.0, "test", norm="L2")
    recorder.flush()
    facts = known(run, "test")
    told = summary.measured(facts)
    assert "noise of length at most 0.5 over all pixels (L2), 50.00 %" in told
    assert "They are L2 lengths" in margins.section(facts)
    assert "bounded in every pixel" not in limits.section(facts)


def test_what_cannot_be_written_or_asked_is_one_sentence(tmp_path, monkeypatch):
    run = queued(TrainConfig(epochs=1))
    with pytest.raises(UserError, match="There is no split 'all'"):
        report(run, "all")
    monkeypatch.setattr(page, "report", lambda run, split: "text")
    with pytest.raises(UserError, match=r"none/x\.html cannot be written: No such file"):
        page.write(run, tmp_path / "none" / "x.html")
    page.write(run, tmp_path / "x.html")
    assert (tmp_path / "x.html").read_text(encoding="utf-8") == "text"
