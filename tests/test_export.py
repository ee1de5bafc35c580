"""Tables as they leave the house."""

import io
import json
import math

import numpy as np
import pandas as pd
import pytest
from storing import attack, started

from smd import export
from smd.config import TrainConfig
from smd.store import reader

CIFAR = TrainConfig(data="cifar10", defense="smd")
EMPTY = pd.DataFrame(columns=["name", "steps", "norm", "split", "n", "eps", "accuracy", "seeds", "lo", "hi"])


def attacked(shares, name="ce-pgd", steps=20, split="test", n=1000, seeds=1):
    """An attack table with accuracies by level in 1/255."""
    rows = [
        {"name": name, "steps": steps, "norm": "Linf", "split": split, "n": n, "eps": k / 255, "accuracy": share,
         "seeds": seeds if k else 1, "lo": share - 0.01, "hi": share + 0.01}
        for k, share in shares.items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=EMPTY.columns)


def test_csv_comes_back_as_it_was():
    table = pd.DataFrame({"a": [1, -2], "b": [0.1, -0.5], "c": ['x,"y"', "two\nlines"], "d": [True, False]})
    text = export.to_csv(table)
    assert text.splitlines()[:2] == ["a,b,c,d", '1,0.1,"x,""y""",True']
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(text)), table)


@pytest.mark.parametrize("evil", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_csv_runs_no_formula_of_a_class_name(evil):
    table = pd.DataFrame({evil: [evil]})
    read = pd.read_csv(io.StringIO(export.to_csv(table)), keep_default_na=False)
    assert read.columns[0][0] == "'"
    assert read.iloc[0, 0][0] == "'"


@pytest.mark.parametrize("number", ["-1", "-0.5", "+3", "-1e-3"])
def test_csv_leaves_negative_numbers_alone(number):
    table = pd.DataFrame({"text": [number], "number": [float(number)]})
    assert export.to_csv(table) == f"text,number\n{number},{float(number)}\n"


def test_csv_writes_float32_without_made_up_digits():
    assert export.to_csv(pd.DataFrame({"margin": np.float32([0.1])})) == "margin\n0.1\n"


def test_markdown_escapes_what_would_end_a_cell():
    table = pd.DataFrame({"a|b": ["x|y\nz", "back\\slash"], "n": [1, 2]})
    assert export.to_markdown(table).splitlines() == [
        "| a\\|b | n |",
        "| --- | --- |",
        "| x\\|y z | 1 |",
        "| back\\\\slash | 2 |",
    ]


def test_markdown_takes_a_class_name_for_no_html_and_no_image():
    text = export.to_markdown(pd.DataFrame({"class": ["<script>", "![x](http://y)"]}))
    assert "<" not in text
    assert "![" not in text


def test_markdown_writes_a_column_with_the_same_decimals():
    table = pd.DataFrame({"a": [83.1, 7.0, math.nan], "b": [0.125, 1.0, 2.0], "c": [1 / 3, 0.0, 0.5]})
    assert export.to_markdown(table).splitlines()[2:] == [
        "| 83.10 | 0.125 | 0.333333 |",
        "| 7.00 | 1.000 | 0.000000 |",
        "|  | 2.000 | 0.500000 |",
    ]


def test_json_is_json_also_for_nan():
    table = pd.DataFrame({"a": [1.5, math.nan], "n": [1, 2], "text": ["8/255", 'é"'], "ok": [True, False]})
    assert json.loads(export.to_json(table)) == [
        {"a": 1.5, "n": 1, "text": "8/255", "ok": True},
        {"a": None, "n": 2, "text": 'é"', "ok": False},
    ]
    assert "8/255" in export.to_json(table)
    assert json.loads(export.to_json(table[:0])) == []


def test_the_accuracy_table_has_the_papers_shape():
    one = attacked({0: 0.9123456, 2: 0.8, 4: 0.7, 8: 0.5}, seeds=3)
    two = attacked({0: 0.9, 8: 0.4, 12: 0.2})
    at = TrainConfig(data="cifar10", defense="std")
    table = export.accuracy_table({"a": (CIFAR, one), "b": (at, two)})
    assert list(table.columns) == [*export.ABOUT, "0", "2/255", "4/255", "8/255", "12/255", "Avg."]
    assert list(table.iloc[0]) == pytest.approx(
        ["a", "SMD", "CE-PGD", 20, "test", 1000, 3, 91.23, 80.0, 70.0, 50.0, math.nan, 72.81], nan_ok=True
    )
    assert list(table.loc[1, ["0", "8/255", "12/255"]]) == [90.0, 40.0, 20.0]
    assert table.loc[1, ["2/255", "4/255", "Avg."]].isna().all()


def test_the_average_leaves_out_levels_that_the_run_does_not_watch():
    table = export.accuracy_table({"a": (CIFAR, attacked({0: 0.8, 2: 0.6, 4: 0.4, 8: 0.2, 16: 0.0}))})
    assert table["Avg."][0] == 50.0


def test_every_attack_split_and_size_has_a_row():
    parts = [attacked({0: 0.9, 8: 0.5}), attacked({0: 0.9, 8: 0.4}, steps=100), attacked({8: 0.6}, split="train")]
    table = export.accuracy_table({"a": (CIFAR, pd.concat([*parts, attacked({8: 0.3}, n=10)]))})
    assert table["8/255"].to_list() == [50.0, 40.0, 60.0, 30.0]
    assert table["0"].isna().to_list() == [False, False, True, True]


def test_an_unattacked_run_has_no_row_but_the_columns_stand():
    table = export.accuracy_table({"a": (CIFAR, EMPTY)})
    assert table.empty
    assert list(table.columns) == [*export.ABOUT, "0", "Avg."]


def test_the_table_of_a_real_store(tmp_path):
    recorder = started(tmp_path / "run.duckdb")
    attack(recorder, eps=0.0, ok=(1, 1, 1, 0))
    attack(recorder, eps=8 / 255, ok=(1, 0, 0, 0))
    table = export.accuracy_table({"a": (CIFAR, reader.attack_table(tmp_path / "run.duckdb"))})
    assert table[["0", "8/255"]].to_numpy().tolist() == [[75.0, 25.0]]
    assert json.loads(export.to_json(table))[0]["8/255"] == 25.0


def test_knobs_are_part_of_the_defenses_title():
    assert export.defense_title(TrainConfig(defense="smd", params={"preset": "ame"})) == "SMD preset=ame"
    assert export.defense_title(TrainConfig(defense="of-tomorrow")) == "of-tomorrow"
    assert export.attack_title("of-tomorrow") == "of-tomorrow"


def test_robustness_points_are_of_the_attack_that_most_runs_have_seen():
    strong, weak = attacked({0: 0.9, 8: 0.3}, steps=100), attacked({0: 0.9, 8: 0.5}, steps=20)
    few, train = attacked({0: 1.0, 8: 0.9}, n=10), attacked({8: 0.99}, split="train")
    runs = {"a": (CIFAR, pd.concat([strong, weak, few, train])), "b": (CIFAR, weak), "c": (CIFAR, EMPTY)}
    points = export.robustness_points(runs)
    assert points[["run", "steps", "percent"]].to_numpy().tolist() == [
        ["a", 20, 90.0], ["a", 20, 50.0], ["b", 20, 90.0], ["b", 20, 50.0],
    ]  # fmt: skip
    assert points[["low", "high"]].to_numpy()[1] == pytest.approx([49, 51])
    assert set(points["defense"]) == {"smd"}
    assert set(export.robustness_points({"a": runs["a"]})["steps"]) == {100}


@pytest.mark.parametrize("runs", [{}, {"c": (CIFAR, EMPTY)}, {"t": (CIFAR, attacked({8: 1.0}, split="train"))}])
def test_without_test_attacks_there_are_no_robustness_points(runs):
    points = export.robustness_points(runs)
    assert points.empty
    assert list(points.columns) == ["run", "defense", "attack", "steps", "eps", "percent", "low", "high"]


def test_the_epoch_table_is_wide():
    rows = [
        (1, "train", "loss", 0.0, 2.0), (1, "val", "accuracy", 0.0, 0.5), (1, "val", "accuracy", 8 / 255, 0.25),
        (2, "train", "loss", 0.0, 1.0), (2, "val", "accuracy", 0.0, 0.75),
    ]  # fmt: skip
    table = export.epoch_table(pd.DataFrame(rows, columns=["epoch", "split", "name", "eps", "value"]))
    assert list(table.columns) == ["epoch", "train loss", "val accuracy", "val accuracy 8/255"]
    assert list(table["train loss"]) == [2.0, 1.0]
    assert table["val accuracy 8/255"].to_list() == pytest.approx([0.25, math.nan], nan_ok=True)


def test_the_epoch_table_of_a_run_that_has_not_begun(tmp_path):
    table = export.epoch_table(reader.metrics(tmp_path / "run.duckdb"))
    assert table.empty
    assert list(table.columns) == ["epoch"]


def test_the_margin_table_tells_pixel_steps():
    margins = pd.DataFrame({"idx": [0, 1], "label": [1, 0], "margin": np.float32([8 / 255, 0.5]), "clean_ok": True})
    table = export.margin_table(margins)
    assert list(table.columns) == ["id", "label", "margin", "margin_255", "clean_ok"]
    assert table["margin_255"].to_list() == pytest.approx([8, 127.5])


def test_the_model_card_says_what_the_network_is_and_is_not():
    config = TrainConfig(data="digits", epochs=7, seed=3)
    meta = {"classes": ["zero", "<one>"], "shape": [1, 8, 8], "parameters": 1234}
    origin = {"commit": "abc123", "dirty": True, "packages": {"torch": "2.15.0"}, "python": "3.11.9"}
    table = export.accuracy_table({"run": (config, attacked({0: 0.9, 8: 0.7, 16: 0.5, 32: 0.1}))})
    card = export.model_card(config, meta, table, origin)
    for words in (
        "# SMD on Digits", "zero, &lt;one>", "1 x 8 x 8", "1234", "| Epochs | 7 |", "| Seed | 3 |",
        "abc123, with changes", "torch 2.15.0",
        "| CE-PGD | 20 | test | 1000 | 1 | 90.00 | 70.00 | 50.00 | 10.00 | 55.00 |",
        "Intended use", "not a medical device",
    ):  # fmt: skip
        assert words in card


def test_the_model_card_of_an_unattacked_run_without_git():
    card = export.model_card(CIFAR, {}, export.accuracy_table({"a": (CIFAR, EMPTY)}), {"commit": None, "dirty": None})
    assert "Nothing was attacked yet." in card
    assert "| Code | unknown |" in card
