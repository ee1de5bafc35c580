"""Charts: what they draw, in which units and colours."""

import charts
import curves
import numpy as np
import pandas as pd
import pytest

from smd.units import px


def metric_rows(epochs=3):
    rows = [
        (epoch, split, "accuracy", eps, 0.5 + epoch / 10)
        for epoch in range(1, epochs + 1)
        for split in ("train", "val")
        for eps in (0.0, 4 / 255, 8 / 255)
    ]
    rows += [(epoch, "train", "margin_mean", 0.0, epoch / 255) for epoch in range(1, epochs + 1)]
    return pd.DataFrame(rows, columns=["epoch", "split", "name", "eps", "value"])


def values(chart):
    (data,) = chart.to_dict()["datasets"].values()
    return pd.DataFrame(data)


def encoded(chart):
    """The last layer of a chart of curves: what is read off."""
    return chart.to_dict()["layer"][-1]["encoding"]


def test_fig8_draws_percent_with_a_curve_for_each_noise_level():
    chart = curves.accuracy(metric_rows())
    assert encoded(chart)["y"]["title"] == "accuracy (%)"
    assert encoded(chart)["color"]["scale"]["domain"] == ["clean", "4/255", "8/255"]
    assert values(chart)["shown"].max() == 80


def test_margins_are_drawn_in_pixel_steps():
    chart = curves.training(metric_rows(), {"margin_mean": "mean margin"}, "margin (1/255)", factor=255)
    assert np.allclose(sorted(values(chart)["shown"]), [1, 2, 3])


def test_a_single_epoch_is_still_seen():
    mark = curves.accuracy(metric_rows(1)).to_dict()["layer"][0]["mark"]
    assert mark["point"] is True


def test_smoothing_leaves_what_was_measured_behind_and_starts_unbiased():
    rows = pd.DataFrame({"epoch": [1, 2, 3], "run": "a", "shown": [10.0, 20.0, 20.0]})
    smooth = curves.smoothed(rows, ["run"], 0.5)["smoothed"].tolist()
    assert smooth == pytest.approx([10, (0.5 * 10 + 20) / 1.5, (0.25 * 10 + 0.5 * 20 + 20) / 1.75])
    chart = curves.accuracy(metric_rows(), curves.Look(smooth=0.8)).to_dict()
    measured, smoothed = chart["layer"]
    assert measured["mark"]["opacity"] == curves.RAW
    assert measured["encoding"]["y"]["field"] == "shown"
    assert smoothed["encoding"]["y"]["field"] == "smoothed"


def test_over_wall_time_curves_stand_at_the_seconds_that_were_spent():
    seconds = pd.DataFrame([(k, "train", "seconds", 0.0, 60.0 * k) for k in (1, 2, 3)], columns=metric_rows().columns)
    chart = curves.accuracy(pd.concat([metric_rows(), seconds]), curves.Look(time=True)).to_dict()
    (data,) = chart["datasets"].values()
    assert sorted({row["spent"] for row in data}) == pytest.approx([1, 3, 6])
    assert chart["layer"][0]["encoding"]["x"]["title"] == "minutes of training"
    long = pd.concat([metric_rows(), seconds.assign(value=3600.0)])
    assert curves.accuracy(long, curves.Look(time=True)).to_dict()["layer"][0]["encoding"]["x"]["title"] == (
        "hours of training"
    )


def test_the_finding_of_the_curves_is_said():
    assert curves.said(metric_rows()) == (
        "Validation accuracy at 8/255 goes from 60.0 % after epoch 1 to 80.0 % after epoch 3."
    )


def test_histogram_has_bins_of_one_pixel_and_the_paper_s_rules():
    counts = pd.DataFrame({"run": "a", "defense": "smd", "bin": [0, 5, 9], "n": [1, 2, 3], "percent": 0.0})
    spec = charts.histogram(counts, px(2, 4, 8)).to_dict()
    sets = [pd.DataFrame(rows) for rows in spec["datasets"].values()]
    bars = next(s for s in sets if "low" in s)
    marks = next(s for s in sets if "at" in s)
    assert (bars["high"] - bars["low"] == 1).all()
    assert marks["at"].tolist() == [2, 4, 8]
    assert marks["text"].tolist() == ["2/255", "4/255", "8/255"]


def test_a_defense_has_one_colour_and_two_runs_of_it_are_told_apart():
    both = pd.DataFrame({"run": ["a", "b"], "defense": ["smd", "std"]})
    assert charts.run_colours(both) == [charts.colour("smd"), charts.colour("std")]
    twice = charts.run_colours(pd.DataFrame({"run": ["a", "b"], "defense": ["smd", "smd"]}))
    assert twice[0] == charts.colour("smd")
    assert twice[0] != twice[1]


def test_history_colours_points_by_what_happened():
    rows = pd.DataFrame(
        {"epoch": [1, 2], "margin": [0.01, 0.02], "change": ["expanded", "shrunk"], "clean_ok": True, "adv_ok": True}
    )
    layer = charts.history(rows).to_dict()["layer"][1]
    assert layer["encoding"]["color"]["scale"]["domain"] == ["expanded", "shrunk"]


def test_rules_keep_their_labels_apart():
    narrow = charts.rules(px(2, 4, 8, 16, 32), 34).to_dict()
    wide = charts.rules(px(2, 4, 8, 16, 32), 130).to_dict()
    texts = [[row["text"] for row in next(iter(spec["datasets"].values()))] for spec in (narrow, wide)]
    assert texts == [["2/255", "4/255", "8/255", "16/255", "32/255"], ["2/255", "", "", "16/255", "32/255"]]
