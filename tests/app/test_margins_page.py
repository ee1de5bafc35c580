"""The Margins page: kept and estimated margins, alone and over each other, and the form that
estimates."""

import json

import numpy as np
import paging
import pandas as pd
import pytest
from paging import words

from app.components import job_rows
from smd import __main__ as cli
from smd import jobs
from smd.config import schema
from smd.config.schema import EstimateConfig
from smd.core import kinds
from smd.jobs import transitions
from smd.runs import folders
from smd.store.writer import Recorder
from smd.units import px
from tests import storing
from tests.storing import estimate

pytestmark = pytest.mark.slow


def open_page(run, **query):
    return paging.open_page("margins", run=run.id, **query)


def bars(app):
    """The rows that the histogram draws, and the title of its y axis."""
    spec = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    bar = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "bar")
    return bar["encoding"]


def two_pgd(run):
    """PGD at two levels: where both cross, 16/255 finds double; one image meets no boundary within
    8/255."""
    (run.folder / "margins").mkdir(exist_ok=True)  # where the jobs that estimate them lie
    recorder = Recorder(run.store)
    near = estimate(
        recorder,
        [1, 2, 3, 8, 0],
        eps=8 / 255,
        split="test",
        clean=[1, 1, 1, 1, 0],
        crossed=[1, 1, 1, 0, 1],
    )
    far = estimate(
        recorder, [2, 4, 6, 9, 0], eps=16 / 255, split="test", created=2.0, clean=[1, 1, 1, 1, 0]
    )
    return near, far


def test_a_run_without_margins_of_its_own_offers_to_estimate_them(finished):
    _, std = finished
    app = open_page(std)
    assert "STD keeps no margin" in words(app)
    assert (
        f"python -m smd estimate {std.id} --method min-norm --split test --n 200"
        in app.code[0].value
    )
    app.button(key="start-margins").click().run()
    assert not app.exception
    (job,) = folders.jobs_of(std, "margins")
    asked = schema.read(EstimateConfig, job / "config.json")
    assert asked == EstimateConfig(std.id, method="min-norm", n=200)
    assert jobs.read(job).state == "queued"
    assert app.button(key=job_rows.key("cancel", job))


@pytest.mark.slow
def test_the_shown_command_describes_the_same_estimation(finished):
    from smd.cli import estimate as margins

    run, _ = finished
    app = open_page(run)
    app.selectbox(key="method").set_value("pgd").run()
    app.text_input(key="margin-levels").set_value("4/255, 0.1").run()
    shown = app.code[0].value
    app.button(key="start-margins").click().run()
    (job,) = folders.jobs_of(run, "margins")
    args = cli.parser().parse_args(shown.split()[3:])
    assert margins.config_from(args, run) == schema.read(EstimateConfig, job / "config.json")
    assert args.levels == "4/255,0.1"


@pytest.mark.slow
def test_a_bad_level_is_explained_and_nothing_is_queued(finished):
    run, _ = finished
    app = open_page(run)
    app.selectbox(key="method").set_value("pgd").run()
    app.text_input(key="margin-levels").set_value("8").run()
    assert r"The noise level 8 is outside \[0, 1\]" in words(app)
    assert not folders.jobs_of(run, "margins")


def test_a_run_without_margins_of_its_own_shows_its_newest_estimate(finished):
    _, std = finished
    two_pgd(std)
    app = open_page(std)
    assert "keeps no margin" not in words(app)
    assert "Margins of 5 test images by PGD 16/255" in words(app)
    assert "5 images met no boundary" not in words(app)
    assert (
        "Every correctly classified image met a boundary within 16/255. 1 misclassified images have"
        " no margin" in words(app)
    )
    cards = {metric.label: metric.value for metric in app.metric}
    assert cards["margin, median of 4"] == "5.00/255"
    assert cards["correct, margin > 4/255"] == "40.0 %"
    assert cards["correct, margin > 32/255"] == "0.0 %"
    assert "How the margins grew" not in words(app)


@pytest.mark.slow
def test_two_estimates_of_one_network_are_compared_where_both_met_a_boundary(finished):
    _, std = finished
    near, far = two_pgd(std)
    app = open_page(std, show=f"{std.id}/{far}", **{"with": f"{std.id}/{near}"})
    text = words(app)
    assert (
        "On the 3 images where both met a boundary, the median margin is 4.00/255 by PGD 16/255"
        in text
    )
    assert "2.00/255 by PGD 8/255, 2.00 times as much" in text
    assert "the larger one overestimates the distance" in text
    assert "1 of 5 images met no boundary within 8/255" in text
    near_first = open_page(std, show=f"{std.id}/{near}")
    cards = {metric.label: metric.value for metric in near_first.metric}
    assert (cards["correct, margin > 8/255"], cards["correct, margin > 16/255"]) == (
        "20.0 %",
        "–",
    )  # one was not followed that far


@pytest.mark.slow
def test_an_overlay_shows_shares_in_colours_of_their_own(finished):
    run, std = finished
    near, far = two_pgd(std)
    encoding = bars(open_page(std, show=f"{std.id}/{near}", **{"with": f"{std.id}/{far}"}))
    assert encoding["y"]["field"] == "percent"
    assert encoding["y"]["title"] == "test images (%)"
    scale = encoding["color"]["scale"]
    assert len(set(scale["range"])) == len(set(scale["domain"])) == 2
    mixed = bars(open_page(run, **{"with": f"{std.id}/{far}"}))
    assert mixed["y"]["title"] == "images (%)"
    assert mixed["color"]["scale"]["domain"] == [
        f"epoch 3 · SMD {run.id[-4:]}",
        f"PGD 16/255 · 5 test · STD {std.id[-4:]}",
    ]


@pytest.mark.slow
def test_the_epoch_slider_moves_the_run_s_own_margins_alone(finished):
    run, std = finished
    _, far = two_pgd(std)
    app = open_page(run, epoch="2", **{"with": f"{std.id}/{far}"})
    assert "after epoch 2" in words(app)
    assert bars(app)["color"]["scale"]["domain"][0].startswith("epoch 2")
    alone = open_page(std)
    assert [slider.key for slider in alone.slider] == ["range"]


def test_another_run_s_own_margins_lie_over_an_estimate(finished):
    run, std = finished
    two_pgd(std)
    app = open_page(std, **{"with": run.id})
    assert bars(app)["color"]["scale"]["domain"][1] == f"epoch 3 · SMD {run.id[-4:]}"
    assert "overestimate" not in words(app)


def test_estimates_that_are_alike_are_told_apart(finished):
    from dataclasses import replace

    from smd.store.records import EstimateRecord, Margins

    _, std = finished
    record = EstimateRecord(
        "a:gem", "gem", 0.0, "Linf", 0, "test", 1, "smd", "1", 0.1, "job-aaaa", 1.0
    )
    ones = Margins(
        np.zeros(1, int), np.ones(1, np.float32) / 255, np.ones(1, bool), np.ones(1, bool)
    )
    recorder = Recorder(std.store)
    recorder.estimate(record, ones)
    recorder.estimate(replace(record, id="b:gem", job="job-bbbb"), ones)
    options = open_page(std).selectbox(key="show").options
    assert [option[-4:] for option in options] == ["bbbb", "aaaa"]


@pytest.mark.slow
def test_an_estimate_in_another_norm_is_not_drawn_on_the_same_axis(finished):
    from smd.store.records import EstimateRecord, Margins

    run, _ = finished
    record = EstimateRecord("a:gem", "gem", 0.0, "L2", 0, "test", 1, "smd", "1", 0.1, "job", 1.0)
    ones = Margins(np.zeros(1, int), np.ones(1, np.float32), np.ones(1, bool), np.ones(1, bool))
    Recorder(run.store).estimate(record, ones)
    app = open_page(run)
    assert not [box for box in app.selectbox if box.key == "with"]
    app = open_page(run, split="test")
    assert "Margins of 1 test images by Gradual expansion, L2" in words(app)
    assert {metric.label: metric.value for metric in app.metric} == {
        "clean accuracy": "100.0 %",
        "margin, median of 1": "1",
    }
    assert not [slider for slider in app.slider if slider.key == "range"]  # which is in 1/255
    assert "255" not in words(app).split("Margins of 1 test images")[1]


def test_an_estimate_of_misclassified_images_alone_still_renders(finished):
    _, std = finished
    estimate(Recorder(std.store), [0, 0], split="test", clean=[0, 0])
    app = open_page(std)
    assert "2 misclassified images have no margin" in words(app)
    assert {metric.label: metric.value for metric in app.metric}["margin, median of 0"] == "–"


@pytest.mark.slow
@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_an_estimation_that_ended_early_can_be_resumed_or_put_away(finished, state):
    run, _ = finished
    job = folders.create_job(run, EstimateConfig(run.id, method="pgd", levels=px(8), device="cpu"))
    transitions.move(job, state, "The disk is full." if state == "failed" else "")
    app = open_page(run)
    assert state != "failed" or "The disk is full." in words(app)
    app.button(key=job_rows.key("resume", job)).click().run()
    assert jobs.read(job).state == "queued"
    transitions.move(job, "cancelled")
    app = open_page(run)
    app.button(key=job_rows.key("dismiss", job)).click().run()
    assert folders.jobs_of(run, "margins") == []


def test_what_is_shown_can_be_taken_away(finished):
    _, std = finished
    two_pgd(std)
    app = open_page(std)
    names = [button.proto.label for button in app.get("download_button")]
    assert names.count("CSV") == 2  # the histogram and every image


def test_the_table_of_estimates_compares_with_robust_accuracies():
    from smd.export.estimates import estimate_table

    found = pd.DataFrame(
        {
            "idx": range(5),
            "margin": np.array([0, 2, 8, 8, 12], np.float32) / np.float32(255),
            "clean_ok": [False, True, True, True, True],
            "crossed": [True, True, True, False, True],
        }
    ).assign(kind=lambda rows: kinds.kinds(rows["clean_ok"], rows["crossed"]))
    about = pd.DataFrame(
        [
            {
                "id": "a",
                "method": "pgd",
                "eps": 12 / 255,
                "norm": "Linf",
                "split": "test",
                "weights": "last",
                "picked": False,
            }
        ]
    )
    (row,) = estimate_table(about, {"a": found}, px(4, 8, 32)).to_dict("records")
    assert row["method"] == "PGD 12/255"
    assert (row["n"], row["clean (%)"], row["median (1/255)"], row["no boundary (%)"]) == (
        5,
        80.0,
        8.0,
        20.0,
    )
    assert row["beyond 4/255 (%)"] == 60.0
    # 8/255 is not beyond 8/255, but what met no boundary up to there is
    assert row["beyond 8/255 (%)"] == 40.0
    assert np.isnan(row["beyond 32/255 (%)"])


@pytest.mark.slow
def test_choosing_and_clearing_the_other_margins_works_and_survives_a_change_of_run(finished):
    run, std = finished
    near, _ = two_pgd(std)
    app = open_page(std)
    app.selectbox(key="with").set_value(f"{std.id}/{near}").run()
    assert len(bars(app)["color"]["scale"]["domain"]) == 2
    app.selectbox(key="with").set_value(None).run()
    assert bars(app)["color"]["scale"]["domain"] == ["found", "misclassified"]
    app.selectbox(key="show").set_value(f"{std.id}/{near}").run()
    assert "by PGD 8/255" in words(app)
    app.selectbox(key="run").set_value(run.id).run()
    assert not app.exception
    assert "No margins of test images are known in this run." in words(app)
    app.button(key="show-train").click().run()
    assert "after epoch 3" in words(app)


def weak_run(run):
    """After another epoch nine of ten images are misclassified, two have met a boundary, all others
    none."""
    recorder, n = Recorder(run.store), 300
    idx = np.arange(n)
    margins = np.where(idx < 2, 3, 20) / 255
    recorder.epoch(storing.epoch(4, margins, clean=idx < 30, adv=(idx >= 2) & (idx < 30)))
    return open_page(run)


@pytest.mark.slow
def test_a_run_that_has_learnt_nothing_does_not_look_robust(finished):
    run, _ = finished
    app = weak_run(run)
    cards = {metric.label: metric.value for metric in app.metric}
    assert cards["clean accuracy"] == "10.0 %"
    assert cards["correct, found or reached > 2/255"] == "10.0 %"
    assert cards["correct, found or reached > 8/255"] == f"{100 * 28 / 300:.1f} %"
    assert cards["next search to, median of 30"] == "20.00/255"
    text = words(app)
    assert "**2 found**" in text
    assert "**28 reached**" in text
    assert "**270 misclassified**" in text
    assert bars(app)["color"]["scale"]["domain"] == ["found", "reached", "misclassified"]


def test_the_ceiling_of_the_schedule_is_said_and_drawn(finished):
    run, _ = finished
    app = open_page(run)
    assert "the schedule alone (γ₂ = 1, no boundary met) would end at 85.0/255" in words(app)
    assert any("the schedule alone" in chart.proto.spec for chart in app.get("vega_lite_chart"))


def test_estimated_margins_of_test_images_stand_beside_the_training_images(finished):
    run, _ = finished
    estimate(
        Recorder(run.store),
        [2, 9, 9, 0],
        method="min-norm",
        eps=0.0,
        split="test",
        clean=[1, 1, 1, 0],
    )
    app = open_page(run)
    assert "Beside them: 4 test images by Minimum norm" in words(app)
    assert "Each found margin is an upper bound" in words(app)
    meanings = [metric.help for metric in app.metric if metric.label == "correct, margin > 8/255"]
    assert any(
        "No more than these are robust at 8/255. For images like these: 15.0 to 85.0 % (95 %)." in m
        for m in meanings
    )
