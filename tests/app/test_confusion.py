"""The confusion matrix: counts, words, and what a click on a cell selects."""

import json

import duckdb
import pandas as pd
import pytest
from paging import open_page, tiles
from storing import attack

from app.charts import confusion as charts
from app.components import image_tiles
from app.sections import confusion
from app.selection import choices
from smd.store import reader
from smd.store.writer import Recorder

CLASSES = ("cat", "dog", "owl")


def cells(*pairs):
    return confusion.counted(pd.DataFrame(pairs, columns=["label", "pred"]), CLASSES)


def test_every_pair_is_counted_in_percent_of_its_true_class():
    table = cells((0, 0), (0, 1), (0, 1), (1, 1))
    assert table[["true", "predicted", "n"]].to_numpy().tolist() == [
        ["cat", "cat", 1],
        ["cat", "dog", 2],
        ["dog", "dog", 1],
    ]
    assert table["percent"].round(1).tolist() == [33.3, 66.7, 100.0]


def test_the_most_frequent_confusion_is_said():
    assert "2 of them 'cat' taken for 'dog'" in confusion.said(cells((0, 1), (0, 1), (1, 0)))
    assert confusion.said(cells((0, 0), (1, 1))) == "All are classified correctly."


def test_a_label_that_has_no_name_is_a_number():
    assert cells((7, 0))["true"].tolist() == ["class 7"]


def test_the_chart_has_a_cell_for_each_pair_and_can_be_clicked():
    chart = charts.matrix(cells((0, 0), (0, 1), (1, 1)), CLASSES).to_dict()
    assert [p["name"] for p in chart["params"]] == [charts.CELL]
    assert chart["params"][0]["select"]["fields"] == ["label", "pred"]
    assert chart["layer"][0]["encoding"]["x"]["scale"]["domain"] == list(CLASSES)
    assert len(chart["layer"]) == 2
    many = tuple(f"class {k}" for k in range(40))
    assert len(charts.matrix(cells((0, 1)), many).to_dict()["layer"]) == 1  # no room for numbers


def test_the_most_frequent_confusion_is_one_choice_and_stands_in_the_address(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, split="test", find="misclassified", level="32/255")
    rows = reader.predicted_classes(run.store, "test", 32 / 255)
    wrong = rows[~rows["ok"]]
    counts = wrong.groupby(["label", "pred"]).size().sort_values(ascending=False, kind="stable")
    (label, pred), n = counts.index[0], int(counts.iloc[0])
    box = app.selectbox(key="confused")
    assert box.options[0] == f"{label} → {pred} · {n}"
    box.select_index(0).run()
    assert not app.exception
    assert sorted(tiles(app, "samples")) == sorted(
        wrong.loc[(wrong["label"] == label) & (wrong["pred"] == pred), "idx"]
    )
    assert app.query_params["class"] == str(label)
    assert app.query_params["predicted"] == str(pred)

    same = open_page(
        "samples",
        run=run.id,
        split="test",
        find="misclassified",
        level="32/255",
        predicted=str(pred),
        **{"class": str(label)},
    )
    assert same.selectbox(key="confused").value == (label, pred)
    assert len(tiles(same, "samples")) == n


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("hands/0001.png", "0001.png"),
        ("a/b/IMG_20240101_hand_left.jpeg", "IMG_…d_left.jpeg"),
        ("no_folder_abc.png", "no_f…der_abc.png"),
    ],
)
def test_a_tile_has_the_name_of_its_file_in_its_width(path, shown):
    assert image_tiles.shortened(path) == shown
    assert len(shown) <= image_tiles.WIDEST


@pytest.mark.slow
def test_a_level_that_averaged_weights_alone_have_seen_is_none_of_the_network_s(finished):
    run, _ = finished
    attack(Recorder(run.store), "ce-pgd", ok=(1, 0) * 10, eps=64 / 255, note=reader.AVERAGED)
    assert "64/255" not in choices.levels(run, "test", "Linf")
    for page in ("attacks", "embedding", "samples"):
        app = open_page(page, run=run.id, split="test", colour="verdict")
        assert not app.exception, page


def test_names_of_classes_are_no_markdown(finished):
    run, _ = finished
    with duckdb.connect(str(run.store)) as con:
        names = json.dumps([f"*c{k}*" for k in range(10)])
        con.execute("UPDATE meta SET value = ? WHERE key = 'classes'", [names])
    app = open_page("attacks", run=run.id, split="test")
    said = [one.value for one in app.caption if "taken for '" in one.value]
    assert said
    assert all(r"\*c" in one for one in said)
