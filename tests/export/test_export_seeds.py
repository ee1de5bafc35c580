"""Runs that differ in their seed alone, as one row and as a point."""

import pandas as pd
import pytest
from export.exporting import attacked

from smd import export
from smd.config import TrainConfig


def runs(**shares):
    """name_seed=(clean, robust) -> runs of 100 images at 8/255."""
    found = {}
    for name, (clean, robust) in shares.items():
        defense, seed = name.rsplit("_", 1)
        config = TrainConfig(defense=defense, seed=int(seed), data="cifar10")
        found[name] = (config, attacked({0: clean, 8: robust}, n=100))
    return found


def test_seeds_become_one_row_with_mean_and_spread():
    cells = export.grouped(runs(smd_0=(0.9, 0.5), smd_1=(0.8, 0.6), smd_2=(0.7, 0.7), std_0=(0.95, 0.1)))
    found = cells[cells["eps"] > 0].set_index("defense")
    assert found.loc["SMD", "run"] == "3 seeds of smd_0"
    assert found.loc["SMD", "percent"] == pytest.approx(60)
    assert found.loc["SMD", "spread"] == pytest.approx(10)
    assert found.loc["SMD", "seeds"] == 3
    assert found.loc["STD", "run"] == "std_0"
    assert found.loc["STD", "low"] < 10 < found.loc["STD", "high"]
    table = export.interval_table(cells)
    assert table.set_index("defense").loc["SMD", "8/255"] == "60.00 ± 10.00"


def test_runs_that_differ_in_more_than_their_seed_stay_apart():
    both = {
        "a": (TrainConfig(epochs=5), attacked({0: 0.9, 8: 0.5})),
        "b": (TrainConfig(epochs=6), attacked({0: 0.8, 8: 0.5})),
        "c": (TrainConfig(epochs=5, device="cpu"), attacked({0: 0.7, 8: 0.5})),
    }
    cells = export.grouped(both)
    assert sorted(set(cells["run"])) == ["a", "b"]  # c is a again, with the same seed


def test_the_same_seed_twice_is_no_second_seed():
    config = TrainConfig(data="cifar10")
    cells = export.grouped({"new": (config, attacked({0: 0.9})), "old": (config, attacked({0: 0.9}))})
    assert (list(cells["run"]), list(cells["seeds"])) == (["new"], [1])


def test_groups_of_one_defense_that_differ_in_more_stay_apart_in_table_and_plot():
    both = {}
    for epochs, robust in ((5, 0.5), (25, 0.9)):
        for seed in (0, 1):
            config = TrainConfig(epochs=epochs, seed=seed, data="cifar10")
            both[f"e{epochs}s{seed}"] = (config, attacked({0: robust + 0.05, 8: robust}, n=100))
    points = export.pareto_points(both)
    assert sorted(points["robust"].round(6)) == [50, 90]
    assert len(set(points["title"])) == 2
    assert sorted(export.wide(export.grouped(both))["8/255"]) == [50, 90]


def test_points_of_two_data_sets_are_not_on_one_plot():
    found = runs(smd_0=(0.9, 0.5), std_0=(0.95, 0.1))
    found["digits"] = (TrainConfig(data="digits"), attacked({0: 0.99, 8: 0.9}, n=100))
    assert set(export.pareto_points(found)["data"]) == {"cifar10"}


def test_a_point_is_on_the_front_if_no_other_is_as_good_in_both():
    points = export.pareto_points(runs(smd_0=(0.9, 0.5), smd_1=(0.8, 0.6), std_0=(0.95, 0.1)))
    found = points.set_index("title")
    assert found.loc["SMD", ["clean", "robust"]].tolist() == pytest.approx([85, 55])
    assert found["best"].all()
    assert found.loc["SMD", "runs"] == 2
    beaten = export.pareto_points(runs(smd_0=(0.9, 0.5), std_0=(0.9, 0.1)))
    assert dict(zip(beaten["title"], beaten["best"], strict=True)) == {"SMD": True, "STD": False}


def test_points_are_of_the_attack_that_most_have_seen():
    found = runs(smd_0=(0.9, 0.5), std_0=(0.95, 0.2))
    config, table = found["smd_0"]
    strong = attacked({0: 0.9, 8: 0.4}, name="autoattack", steps=0, n=100)
    found["smd_0"] = (config, pd.concat([table, strong], ignore_index=True))
    assert set(export.pareto_points(found)["attack"]) == {"ce-pgd"}
    assert export.pareto_points({}).empty
