"""Charts of pages: linked cursors, parallel axes, names of any length, and their files."""

import io
import json
import re

import pandas as pd
import pytest
from PIL import Image

from app.charts import confusion, curves, files, history, levels, linked, parallel, style
from app.charts.linked import Panel
from smd.units import px

LONG = "A name that is as long as names may be, sixty characters: ok"
ODD = "[a].b: 'q' $x^2$"


def rows(runs=("one", ODD), epochs=4):
    parts = [
        pd.DataFrame(
            {
                "run": run,
                "defense": "smd",
                "epoch": range(1, epochs + 1),
                "hours": [k / 10 for k in range(1, epochs + 1)],
                "shown": [50.0 + k for k in range(epochs)],
            }
        )
        for run in runs
    ]
    return pd.concat(parts, ignore_index=True)


def layers(spec):
    for part in spec.get("vconcat", [spec]):
        yield from part["layer"]


def test_the_cursor_of_each_chart_is_heard_in_all(recwarn):
    spec = linked.overlaid([Panel("clean (%)", rows()), Panel("quick (%)", rows())]).to_dict()
    names = [param["name"] for param in spec["params"]]
    assert len(names) == len(set(names)) == 2
    heard = [json.dumps(layer["transform"]) for layer in layers(spec) if "transform" in layer]
    assert len(heard) == 4  # a rule and points, in both
    assert all(name in each for each in heard for name in names)
    assert not recwarn.list


def test_the_tooltip_of_an_epoch_has_all_runs_whatever_they_are_called():
    spec = linked.overlaid([Panel("clean (%)", rows())]).to_dict()
    first = next(layers(spec))
    assert [tip.get("title", tip["field"]) for tip in first["encoding"]["tooltip"]] == [
        "epoch",
        "one",
        ODD,
    ]
    (values,) = [
        data for data in spec["datasets"].values() if {"epoch", "run 0", "run 1"} <= set(data[0])
    ]
    assert values[2] == {"epoch": 3, "run 0": "52", "run 1": "52"}


def test_over_time_the_mouse_finds_each_run_s_own_epochs():
    spec = linked.overlaid([Panel("clean (%)", rows())], curves.Look(time=True)).to_dict()
    first = next(layers(spec))
    assert first["encoding"]["x"]["field"] == "spent"
    assert "run" in {tip["field"] for tip in first["encoding"]["tooltip"]}


def sweep():
    return pd.DataFrame(
        {
            "run": ["a", "b", "c"],
            "epochs": [2, 4, 8],
            "network": ["small", "wide", "small"],
            "robust (%)": [51.2, 60.4, 49.9],
        }
    )


def test_numbers_stand_in_proportion_and_other_values_one_above_the_other():
    spec = parallel.coordinates(sweep(), "robust (%)").to_dict()
    (lines,) = [data for data in spec["datasets"].values() if "accuracy" in data[0]]
    frame = pd.DataFrame(lines).set_index(["run", "axis"])["place"]
    assert [frame[run, "epochs"] for run in "abc"] == pytest.approx([0, 1 / 3, 1])
    assert frame["a", "network"] == frame["c", "network"] != frame["b", "network"]
    assert frame["b", "robust (%)"] > frame["a", "robust (%)"] > frame["c", "robust (%)"]
    axes = spec["layer"][1]["encoding"]["x"]["sort"]
    assert axes == ["epochs", "network", "robust (%)"]


def test_values_are_written_where_they_occur_and_round_ones_beside_the_accuracy():
    spec = parallel.coordinates(sweep(), "robust (%)").to_dict()
    (texts,) = [data for data in spec["datasets"].values() if "text" in data[0]]
    frame = pd.DataFrame(texts)
    assert frame.loc[frame["axis"] == "epochs", "text"].tolist() == ["2", "4", "8"]
    assert set(frame.loc[frame["axis"] == "robust (%)", "text"]) == {"40", "50", "60", "70"}


def test_one_value_for_all_stands_on_its_axis():
    same = sweep().assign(**{"robust (%)": 50.0})
    spec = parallel.coordinates(same, "robust (%)").to_dict()
    (lines,) = [data for data in spec["datasets"].values() if "accuracy" in data[0]]
    assert all(0 <= row["place"] <= 1 for row in lines)


@pytest.mark.parametrize("names", [["a", "b"], [LONG, "b"], [f"run {k}" for k in range(50)]])
def test_a_legend_cuts_no_name_and_leaves_none_out(names):
    legend = style.legend(names).to_dict()
    assert legend["labelLimit"] == 0
    assert legend["symbolLimit"] > len(names)
    wide = style.LETTER * min(max(map(len, names)), style.LINE[1]) + style.SYMBOL
    assert legend["columns"] == 1 or legend["columns"] * wide <= style.LEGEND


def test_runs_are_told_apart_however_many_there_are():
    runs = pd.DataFrame({"defense": ["smd"] * 13})
    assert len(set(style.run_colours(runs))) == 13


@pytest.mark.parametrize(
    ("values", "domain"),
    [
        ([97.2, 99.1], [90, 100]),
        ([0.0, 3.0], [0, 10]),
        ([100.0], [90, 100]),
        ([41.0, 88.0], [40, 90]),
        ([float("nan")], [0, 100]),
    ],
)
def test_an_axis_of_accuracies_is_as_near_as_differences_need(values, domain):
    assert style.accuracies(values).to_dict()["domain"] == domain


def test_an_accuracy_by_level_says_n_and_its_interval():
    points = pd.DataFrame(
        {
            "run": ["a"] * 2,
            "defense": ["smd"] * 2,
            "eps": [0.0, 8 / 255],
            "n": [100] * 2,
            "percent": [97.0, 91.0],
            "low": [92.0, 84.0],
            "high": [99.0, 95.0],
        }
    )
    line = levels.robustness(points).to_dict()["layer"][1]["encoding"]
    assert {"low", "high", "n"} <= {tip["field"] for tip in line["tooltip"]}
    assert line["y"]["scale"]["domain"] == [80, 100]


@pytest.mark.parametrize("n", [3, 40])
def test_every_class_is_named_on_the_axes_of_the_confusion_matrix(n):
    names = tuple(f"{k}: a class of own images" for k in range(n))
    cells = pd.DataFrame(
        {"label": 0, "pred": 1, "true": names[0], "predicted": names[1], "n": 1, "percent": 100.0},
        index=[0],
    )
    spec = confusion.matrix(cells, names).to_dict()
    for axis in ("x", "y"):
        shown = spec["layer"][0]["encoding"][axis]["axis"]
        assert shown["labelLimit"] == 0
        assert shown["labelOverlap"] is False
        assert spec["layer"][0]["encoding"][axis]["scale"]["domain"] == list(names)
    assert spec["height"] >= n * confusion.NARROW


def test_rules_across_the_margins_have_labels_that_cover_no_other():
    summary = pd.DataFrame(
        {"epoch": [1, 2], **{f"q{q}": [0.1, 0.12] for q in ("05", "25", "50", "75", "95")}}
    )
    spec = history.fan(summary, px(1, 2, 8)).to_dict()
    texts = [
        layer
        for group in spec["layer"]
        for layer in group.get("layer", [])
        if layer["mark"].get("type") == "text"
    ]
    assert [text["transform"][0]["filter"]["equal"] for text in texts] == [
        "1/255",
        "2/255",
        "8/255",
    ]
    assert texts[0]["mark"]["dx"] != texts[1]["mark"]["dx"]


@pytest.mark.parametrize("inches", [files.INCHES, files.PAGE])
def test_a_chart_s_files_have_the_width_of_a_column_or_of_the_page(inches):
    chart = linked.overlaid([Panel("clean (%)", rows((LONG, "b"))), Panel("quick (%)", rows())])
    svg = files.chart_file(chart, "svg", inches).decode()
    assert float(re.search(r'width="([\d.]+)in"', svg)[1]) == pytest.approx(inches, abs=0.02)
    assert all(word in svg for word in LONG.split())  # in lines, none cut
    pdf = files.chart_file(chart, "pdf", inches)
    wide = float(re.search(rb"/MediaBox\s*\[\s*[\d.]+\s+[\d.]+\s+([\d.]+)", pdf)[1])
    assert wide == pytest.approx(72 * inches, abs=1.5)
    png = Image.open(io.BytesIO(files.chart_file(chart, "png", inches)))
    assert png.size[0] == pytest.approx(files.PPI * inches, abs=6)
    assert json.loads(files.chart_file(chart, "json", inches))["vconcat"]


def test_a_chart_on_the_page_is_left_as_it_is():
    chart = linked.overlaid([Panel("clean (%)", rows()), Panel("quick (%)", rows())])
    before = chart.to_dict()
    files.chart_file(chart, "svg")
    assert chart.to_dict() == before
