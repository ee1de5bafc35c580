"""Charts: what they draw, in which units and colours."""

import itertools

import numpy as np
import pandas as pd
import pytest

from app.charts import curves, histograms, history, linked, probabilities, rules, style
from smd import export
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
    chart = curves.training(
        metric_rows(), {"margin_mean": "mean margin"}, "margin (1/255)", factor=255
    )
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
    seconds = pd.DataFrame(
        [(k, "train", "seconds", 0.0, 60.0 * k) for k in (1, 2, 3)], columns=metric_rows().columns
    )
    chart = curves.accuracy(pd.concat([metric_rows(), seconds]), curves.Look(time=True)).to_dict()
    (data,) = chart["datasets"].values()
    assert sorted({row["spent"] for row in data}) == pytest.approx([1, 3, 6])
    assert chart["layer"][0]["encoding"]["x"]["title"] == "minutes of training"
    long = pd.concat([metric_rows(), seconds.assign(value=3600.0)])
    assert (
        curves.accuracy(long, curves.Look(time=True)).to_dict()["layer"][0]["encoding"]["x"][
            "title"
        ]
        == "hours of training"
    )


def test_the_finding_of_the_curves_is_said():
    assert (
        curves.said(metric_rows())
        == "Validation accuracy at 8/255 goes from 60.0 % after epoch 1 to 80.0 % after epoch 3."
    )


def test_histogram_has_bins_of_one_pixel_and_the_paper_s_rules():
    counts = pd.DataFrame(
        {
            "run": "a",
            "defense": "smd",
            "kind": "found",
            "bin": [0, 5, 9],
            "n": [1, 2, 3],
            "percent": 0.0,
        }
    )
    spec = histograms.histogram(counts, px(2, 4, 8)).to_dict()
    sets = [pd.DataFrame(rows) for rows in spec["datasets"].values()]
    bars = next(s for s in sets if "low" in s)
    marks = next(s for s in sets if "at" in s)
    assert (bars["high"] - bars["low"] == 1).all()
    assert marks["at"].tolist() == [2, 4, 8]
    assert marks["text"].tolist() == ["2/255", "4/255", "8/255"]


KINDS = pd.DataFrame(
    {
        "run": "a",
        "defense": "smd",
        "kind": ["misclassified", "found", "reached", "reached"],
        "bin": [-1, 2, 2, 9],
        "n": [4, 1, 2, 3],
        "percent": [40.0, 10.0, 20.0, 30.0],
    }
)


def test_found_reached_and_misclassified_are_told_apart_and_the_last_stand_left_of_every_margin():
    bars = histograms.histogram(KINDS, px(2, 4, 8)).to_dict()
    encoding = bars["layer"][0]["encoding"]
    assert encoding["color"]["scale"]["domain"] == ["found", "reached", "misclassified"]
    assert len(set(encoding["color"]["scale"]["range"])) == 3
    rows = next(pd.DataFrame(r) for r in bars["datasets"].values() if "low" in r[0]).set_index(
        "kind"
    )
    assert (rows.loc["misclassified", "high"] < 0).all()
    assert (rows.loc["reached", "low"] >= 0).all()
    assert encoding["x"]["scale"]["domain"][0] < rows.loc["misclassified", "low"]


def test_the_histogram_begins_at_0_where_nothing_is_misclassified_and_stands_where_everything_is():
    right, wrong = KINDS[KINDS["kind"] != "misclassified"], KINDS[KINDS["kind"] == "misclassified"]
    ends = [
        histograms.histogram(part, px(8)).to_dict()["layer"][0]["encoding"]["x"]["scale"]["domain"]
        for part in (right, wrong)
    ]
    assert ends[0] == [0, 10]
    assert ends[1][0] < 0 < ends[1][1]


def test_the_schedule_alone_is_drawn_beside_the_margins():
    quantiles = {f"q{k:02}": [0.01, 0.02] for k in (5, 25, 50, 75, 95)}
    summary = pd.DataFrame({"epoch": [1, 2], **quantiles})
    schedule = pd.DataFrame({"epoch": [1, 2, 3], "margin": [5.0, 9.0, 12.0]})
    spec = history.fan(summary, px(8), "smd", schedule).to_dict()
    drawn = next(
        rows for rows in spec["datasets"].values() if rows and set(rows[0]) == {"epoch", "margin"}
    )
    assert [row["margin"] for row in drawn] == [5.0, 9.0]  # as far as the run has come


def test_a_defense_has_one_colour_and_two_runs_of_it_are_told_apart():
    both = pd.DataFrame({"run": ["a", "b"], "defense": ["smd", "std"]})
    assert style.run_colours(both) == [style.colour("smd"), style.colour("std")]
    twice = style.run_colours(pd.DataFrame({"run": ["a", "b"], "defense": ["smd", "smd"]}))
    assert twice[0] == style.colour("smd")
    assert twice[0] != twice[1]


def test_history_colours_points_by_what_happened():
    rows = pd.DataFrame(
        {
            "epoch": [1, 2],
            "margin": [0.01, 0.02],
            "change": ["expanded", "shrunk"],
            "clean_ok": True,
            "adv_ok": True,
        }
    )
    layer = history.of_sample(rows).to_dict()["layer"][1]
    assert layer["encoding"]["color"]["scale"]["domain"] == ["expanded", "shrunk"]


def labels(levels, top, **how):
    """The rules' labels with the row in which each stands: (at, text, row)."""
    line, *parts = rules.at_levels(levels, top, **how).layer
    rows = [
        (row["at"], row["text"], row["row"])
        for part in parts
        for row in part.data.to_dict("records")
    ]
    assert sorted(at for at, *_ in rows) == list(line.data["at"])
    heights = {part.mark.dy for part in parts}
    assert len(heights) == len(parts)  # each row at a height of its own
    return sorted(rows)


@pytest.mark.parametrize("top", [9.0, 34.0, 60.0, 130.0])
@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("levels", [px(2, 4, 8), px(8), px(2, 4, 8, 16, 32), px(0.5, 1, 1.5, 2)])
def test_every_rule_has_a_label_and_no_label_covers_another_even_on_a_phone(levels, top, narrow):
    """A phone's axis is some 300 px, a small histogram's 150; a figure or sign of a label takes
    about 6.5."""
    rows = labels(levels, top, narrow=narrow)
    wide = 150 if narrow else 300
    assert all(text for _, text, _ in rows)
    for row in {row for *_, row in rows}:
        own = [(wide * at / top, 6.5 * len(text)) for at, text, where in rows if where == row]
        gaps = [b[0] - a[0] - (a[1] + b[1]) / 2 for a, b in itertools.pairwise(own)]
        assert all(gap >= 0 for gap in gaps), own


def test_rules_are_named_in_full_where_there_is_room_and_by_number_where_not():
    assert labels(px(2, 8), 10.0) == [(2, "2/255", 0), (8, "8/255", 0)]
    assert labels(px(2, 4, 8), 34.0) == [(2, "2", 0), (4, "4", 1), (8, "8", 0)]


def predicted(names):
    return pd.DataFrame(
        [
            (name, image, 100 * 0.5 ** (1 + k))
            for k, name in enumerate(names)
            for image in ("clean", "adversarial")
        ],
        columns=["class", "image", "percent"],
    )


@pytest.mark.parametrize(
    "names",
    [
        [str(k) for k in range(10)],
        ["adipose tissue", "normal colon mucosa"],
        [f"class {k}" for k in range(13)],
        [f"class {k}" for k in range(100)],
    ],
)
def test_no_class_is_skipped_on_the_axis_of_predicted_probabilities(names):
    chart = probabilities.probabilities(predicted(names)).to_dict()
    side = "x" if chart["encoding"]["x"].get("field") == "class" else "y"
    axis = chart["encoding"][side]
    assert axis["axis"]["labelOverlap"] is False
    shown = axis["sort"]
    upright = side == "x"
    assert upright == (len(names) <= 12 and max(map(len, names)) <= 12)
    assert upright or chart["height"] / len(shown) >= 12  # a line of letters
    rows = values(probabilities.probabilities(predicted(names)))
    assert rows.groupby("image")["percent"].sum().tolist() == pytest.approx(
        [100 * (1 - 0.5 ** len(names))] * 2
    )
    if len(names) == 100:
        assert shown == [*names[:19], "81 other classes"]
    else:
        assert shown == names


def test_an_accuracy_of_an_epoch_says_how_sure_it_is():
    rows = metric_rows()
    n = {("val", False): 200, ("val", True): 50}
    drawn = curves.accuracy(rows, n=n).to_dict()
    (tips,) = [layer["encoding"]["tooltip"] for layer in drawn["layer"]]
    assert tips[-1] == {"field": "sure", "title": "95 % interval", "type": "nominal"}
    told = curves.with_sizes(rows[rows["name"] == "accuracy"], n)
    noisy = told[(told["split"] == "val") & (told["eps"] > 0)].iloc[0]
    assert noisy["sure"] == f"{export.interval(noisy['value'], 50)}, n = 50"
    assert set(told.loc[told["split"] == "train", "sure"]) <= {export.EMPTY}
    assert "sure" not in curves.accuracy(rows).to_json()


def test_one_cursor_tells_of_all_runs_how_sure_they_are():
    rows = pd.DataFrame(
        {
            "run": ["a", "b"],
            "defense": "smd",
            "epoch": 1,
            "hours": 0.1,
            "shown": [91.2345, 80.0],
            "sure": ["90.0 to 92.0 %, n = 359", export.EMPTY],
        }
    )
    spec = linked.overlaid([linked.Panel("accuracy (%)", rows)]).to_json()
    assert "91.23 (90.0 to 92.0 %, n = 359)" in spec
    assert f"80 ({export.EMPTY})" in spec
