"""Charts: what they draw, in which units and colours."""

import charts
import numpy as np
import pandas as pd

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


def test_fig8_draws_percent_with_a_curve_for_each_noise_level():
    chart = charts.accuracy_curves(metric_rows())
    spec = chart.to_dict()
    assert spec["encoding"]["y"]["title"] == "accuracy (%)"
    assert spec["encoding"]["color"]["scale"]["domain"] == ["clean", "4/255", "8/255"]
    assert values(chart)["percent"].max() == 80


def test_margins_are_drawn_in_pixel_steps():
    chart = charts.curves(metric_rows(), {"margin_mean": "mean margin"}, "margin (1/255)", factor=255)
    assert np.allclose(sorted(values(chart)["shown"]), [1, 2, 3])


def test_a_single_epoch_is_still_seen():
    mark = charts.accuracy_curves(metric_rows(1)).to_dict()["mark"]
    assert mark["point"] is True


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
