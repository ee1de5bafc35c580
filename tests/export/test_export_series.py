"""Tables over noise levels, epochs and samples."""

import math

import numpy as np
import pandas as pd
import pytest

from smd import export
from smd.config.schema import TrainConfig
from smd.store import reader
from smd.units import show_level
from tests.export.exporting import CIFAR, EMPTY, attacked


def test_robustness_points_are_of_the_attack_that_most_runs_have_seen():
    strong, weak = attacked({0: 0.9, 8: 0.3}, steps=100), attacked({0: 0.9, 8: 0.5}, steps=20)
    few, train = attacked({0: 1.0, 8: 0.9}, n=10), attacked({8: 0.99}, split="train")
    runs = {
        "a": (CIFAR, pd.concat([strong, weak, few, train])),
        "b": (CIFAR, weak),
        "c": (CIFAR, EMPTY),
    }
    points = export.robustness_points(runs)
    assert points[["run", "steps", "percent"]].to_numpy().tolist() == [
        ["a", 20, 90.0],
        ["a", 20, 50.0],
        ["b", 20, 90.0],
        ["b", 20, 50.0],
    ]
    assert points[["low", "high"]].to_numpy()[1] == pytest.approx([49, 51])
    assert set(points["defense"]) == {"smd"}
    assert set(export.robustness_points({"a": runs["a"]})["steps"]) == {100}


@pytest.mark.parametrize(
    "runs", [{}, {"c": (CIFAR, EMPTY)}, {"t": (CIFAR, attacked({8: 1.0}, split="train"))}]
)
def test_without_test_attacks_there_are_no_robustness_points(runs):
    points = export.robustness_points(runs)
    assert points.empty
    assert list(points.columns) == [
        "run",
        "defense",
        "data",
        "attack",
        "steps",
        "norm",
        "note",
        "n",
        "eps",
        "percent",
        "low",
        "high",
    ]


def test_the_epoch_table_is_wide():
    rows = [
        (1, "train", "loss", 0.0, 2.0),
        (1, "val", "accuracy", 0.0, 0.5),
        (1, "val", "accuracy", 8 / 255, 0.25),
        (2, "train", "loss", 0.0, 1.0),
        (2, "val", "accuracy", 0.0, 0.75),
    ]
    table = export.epoch_table(
        pd.DataFrame(rows, columns=["epoch", "split", "name", "eps", "value"])
    )
    assert list(table.columns) == ["epoch", "train loss", "val accuracy", "val accuracy 8/255"]
    assert list(table["train loss"]) == [2.0, 1.0]
    assert table["val accuracy 8/255"].to_list() == pytest.approx([0.25, math.nan], nan_ok=True)


def test_the_epoch_table_of_a_run_that_has_not_begun(tmp_path):
    table = export.epoch_table(reader.metrics(tmp_path / "run.duckdb"))
    assert table.empty
    assert list(table.columns) == ["epoch"]


def test_the_margin_table_tells_pixel_steps():
    margins = pd.DataFrame(
        {"idx": [0, 1], "label": [1, 0], "margin": np.float32([8 / 255, 0.5]), "clean_ok": True}
    )
    table = export.margin_table(margins)
    assert list(table.columns) == ["id", "label", "margin", "margin_255", "clean_ok"]
    assert table["margin_255"].to_list() == pytest.approx([8, 127.5])


def test_robustness_points_do_not_mix_norms():
    table = pd.concat([attacked({0: 0.9, 8: 0.5}), attacked({0: 0.9, 8: 0.8}, norm="L2")])
    points = export.robustness_points({"a": (CIFAR, table), "b": (CIFAR, attacked({8: 0.4}))})
    assert points["percent"].to_list() == [90.0, 50.0, 40.0]


def test_robustness_points_are_of_one_data_set():
    digits = TrainConfig(data="digits")
    both = {
        "a": (CIFAR, attacked({0: 0.9, 8: 0.5})),
        "b": (CIFAR, attacked({0: 0.9, 8: 0.4})),
        "c": (digits, attacked({0: 0.99, 8: 0.9})),
    }
    points = export.robustness_points(both)
    assert set(points["run"]) == {"a", "b"}
    assert set(points["data"]) == {"cifar10"}


def test_levels_of_verdicts_in_l2_are_lengths():
    about = {"name": "ce-pgd", "note": "", "steps": 20, "split": "test", "idx": 0}
    verdicts = pd.DataFrame(
        {**about, "norm": ["Linf", "L2"], "eps": [8 / 255, 1.0], "share": 1.0, "seeds": 1}
    )
    table = export.verdict_table(verdicts, pd.DataFrame())
    assert table["level"].to_list() == ["8/255", show_level(1.0, "L2")]
    assert "255" not in table["level"][1]
