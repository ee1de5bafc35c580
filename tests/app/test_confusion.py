"""The confusion matrix: counts, words, and what a click on a cell selects."""

import pandas as pd

from app.charts import confusion as charts
from app.sections import confusion

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
