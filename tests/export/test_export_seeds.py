"""Runs that differ in their seed alone, as one row and as a point."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from export.exporting import attacked, first, judged

from smd import export
from smd.config.schema import TrainConfig

BOTH = ["trainings", "spread over trainings", "attack seeds", "spread over attack seeds"]


def runs(**shares):
    """name_seed=(clean, robust) -> runs of 100 images at 8/255."""
    found = {}
    for name, (clean, robust) in shares.items():
        defense, seed = name.rsplit("_", 1)
        config = TrainConfig(defense=defense, seed=int(seed), data="cifar10")
        found[name] = (config, attacked({0: clean, 8: robust}, n=100))
    return found


def test_seeds_become_one_row_with_mean_and_spread():
    cells = export.grouped(
        runs(smd_0=(0.9, 0.5), smd_1=(0.8, 0.6), smd_2=(0.7, 0.7), std_0=(0.95, 0.1))
    )
    found = cells[cells["eps"] > 0].set_index("defense")
    assert found.loc["SMD", "run"] == "3 trainings like smd_0"
    assert found.loc["SMD", "percent"] == pytest.approx(60)
    assert found.loc["SMD", "training_spread"] == pytest.approx(10)
    assert found.loc["SMD", ["trainings", "seeds"]].tolist() == [3, 1]
    assert math.isnan(found.loc["SMD", "spread"])
    assert found.loc["SMD", ["low", "high"]].tolist() == pytest.approx([50.20, 69.06], abs=0.01)
    assert found.loc["STD", "run"] == "std_0"
    assert found.loc["STD", "low"] < 10 < found.loc["STD", "high"]
    table = export.interval_table(cells)
    assert table.set_index("defense").loc["SMD", "8/255"] == "60.00 (50.20–69.06)"
    assert table.set_index("defense").loc["SMD", "8/255, spread over trainings"] == 10
    assert not [name for name in table.columns if "attack seeds" in name and "spread" in name]


def test_a_spread_over_attack_seeds_is_never_one_over_trainings():
    """One run attacked with three seeds has no spread over trainings; two such runs have both,
    apart."""
    config = TrainConfig(data="cifar10")
    one = attacked({0: 0.9, 8: 0.5}, seeds=3, spread=0.03)
    two = attacked({0: 0.9, 8: 0.6}, seeds=3, spread=0.04)
    (alone,) = export.detailed(export.grouped({"a": (config, one)}))[1:].to_dict("records")
    assert [alone[name] for name in BOTH] == pytest.approx([1, math.nan, 3, 3.0], nan_ok=True)
    both = export.grouped({"a": (config, one), "b": (replace(config, seed=1), two)})
    (row,) = export.detailed(both)[1:].to_dict("records")
    assert [row[name] for name in BOTH] == pytest.approx([2, 7.07, 3, 3.54])
    points = export.pareto_points({"a": (config, one), "b": (replace(config, seed=1), two)}, {})
    assert points[["robust_training_spread", "robust_spread"]].to_numpy()[0] == pytest.approx(
        [7.07, 3.54], abs=0.01
    )


def test_one_start_is_not_ten():
    """An attack with other settings is no second cell of the same, and no training."""
    config = TrainConfig(data="cifar10")
    ten = attacked({0: 0.9, 8: 0.4}, name="ce-cw-pgd", steps=100)
    single = attacked({8: 0.6}, name="ce-cw-pgd", steps=100, note="runs=1")
    both = {"a": (config, pd.concat([ten, single])), "b": (replace(config, seed=1), ten)}
    cells = export.grouped(both)
    assert cells[cells["eps"] > 0][["note", "percent", "trainings"]].to_numpy().tolist() == [
        ["", 40, 2],
        ["runs=1", 60, 1],
    ]
    assert set(export.pareto_points(both, {})["robust"]) == {40}
    assert set(export.robustness_points({"a": both["a"]})["note"]) == {""}


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
    cells = export.grouped(
        {"new": (config, attacked({0: 0.9})), "old": (config, attacked({0: 0.9}))}
    )
    assert (list(cells["run"]), list(cells["seeds"])) == (["new"], [1])


def test_groups_of_one_defense_that_differ_in_more_stay_apart_in_table_and_plot():
    both = {}
    for epochs, robust in ((5, 0.5), (25, 0.9)):
        for seed in (0, 1):
            config = TrainConfig(epochs=epochs, seed=seed, data="cifar10")
            both[f"e{epochs}s{seed}"] = (config, attacked({0: robust + 0.05, 8: robust}, n=100))
    points = export.pareto_points(both, {})
    assert sorted(points["robust"].round(6)) == [50, 90]
    assert len(set(points["title"])) == 2
    assert sorted(export.wide(export.grouped(both))["8/255"]) == [50, 90]


def test_points_of_two_data_sets_are_not_on_one_plot():
    found = runs(smd_0=(0.9, 0.5), std_0=(0.95, 0.1))
    found["digits"] = (TrainConfig(data="digits"), attacked({0: 0.99, 8: 0.9}, n=100))
    assert set(export.pareto_points(found, {})["data"]) == {"cifar10"}


def paired(**flags):
    """name_seed=(clean, robust) flags of images -> (runs, verdicts)."""
    found, verdicts = {}, {}
    for name, (clean, robust) in flags.items():
        defense, seed = name.rsplit("_", 1)
        table, verdicts[name] = judged({0: clean, 8: robust})
        found[name] = (TrainConfig(defense=defense, seed=int(seed), data="cifar10"), table)
    return found, verdicts


def test_a_point_has_its_trainings_interval_and_number_of_images():
    points = export.pareto_points(runs(smd_0=(0.9, 0.5), smd_1=(0.8, 0.6), std_0=(0.95, 0.1)), {})
    found = points.set_index("title")
    assert found.loc["SMD", ["clean", "robust"]].tolist() == pytest.approx([85, 55])
    assert found.loc["SMD", ["trainings", "n"]].tolist() == [2, 100]
    assert sorted(found.loc["SMD", "robust_each"]) == [50, 60]
    for side in ("clean", "robust"):
        assert (points[f"{side}_low"] < points[side]).all()
        assert (points[side] < points[f"{side}_high"]).all()


def test_a_point_is_beaten_only_where_a_paired_test_tells():
    better = paired(smd_0=(first(90), first(60)), std_0=(first(90), first(40)))
    assert export.pareto_points(*better).set_index("title")["beaten"].to_dict() == {
        "SMD": False,
        "STD": True,
    }
    chance = paired(smd_0=(first(90), first(44)), std_0=(first(90), first(40)))
    assert not export.pareto_points(*chance)["beaten"].any()
    elsewhere = paired(smd_0=(first(90), first(60)), std_0=(first(99), first(40)))
    assert not export.pareto_points(*elsewhere)["beaten"].any()  # each is better in one
    assert not export.pareto_points(better[0], {})["beaten"].any()  # nothing is known of the images


def test_trainings_are_compared_by_the_mean_of_each_image():
    flags = {f"smd_{seed}": (first(90), np.roll(first(60 + seed), 5 * seed)) for seed in (0, 1)}
    others = {f"std_{seed}": (first(90), first(30 + seed)) for seed in (0, 1)}
    points = export.pareto_points(*paired(**flags, **others))
    assert points.set_index("title")["beaten"].to_dict() == {"SMD": False, "STD": True}


def test_trainings_that_differ_as_much_as_defenses_beat_nothing():
    """On these images the difference is beyond chance; another training may undo it."""
    apart = {
        "smd_0": (first(90), first(90)),
        "smd_1": (first(90), first(30)),
        "std_0": (first(90), first(20)),
        "std_1": (first(90), first(60)),
    }
    assert not export.pareto_points(*paired(**apart))["beaten"].any()
    del apart["std_1"]  # how much a single training would differ is not known
    assert not export.pareto_points(*paired(**apart))["beaten"].any()


def test_points_are_of_the_attack_that_most_have_seen():
    found = runs(smd_0=(0.9, 0.5), std_0=(0.95, 0.2))
    config, table = found["smd_0"]
    strong = attacked({0: 0.9, 8: 0.4}, name="autoattack", steps=0, n=100)
    found["smd_0"] = (config, pd.concat([table, strong], ignore_index=True))
    assert set(export.pareto_points(found, {})["attack"]) == {"ce-pgd"}
    assert export.pareto_points({}, {}).empty


def test_what_took_over_verdicts_is_on_no_plot():
    config = TrainConfig(data="cifar10")
    sound = attacked({0: 0.9, 4: 0.5, 8: 0.1}, n=100, note="sound=yes")
    alone = attacked({0: 0.9, 8: 0.4}, n=100)
    both = {
        name: (replace(config, defense=name), pd.concat([sound, alone])) for name in ("smd", "std")
    }
    assert set(export.pareto_points(both, {})["robust"]) == {40}
    assert set(export.robustness_points(both)["note"]) == {""}
    only = dict.fromkeys(("a", "b"), (config, sound))
    assert export.pareto_points(only, {}).empty
    assert export.robustness_points(only).empty


def test_points_beaten_on_two_patients_are_not():
    known = [f"p{k}" for k in range(100)]
    for patient, beaten in ((known, True), (["p0"] * 55 + ["p1"] * 45, False)):
        tables, verdicts = {}, {}
        for name, right in (("smd", 60), ("std", 50)):
            table, verdicts[name] = judged({0: first(90), 8: first(right)}, patient=patient)
            tables[name] = (TrainConfig(defense=name), table)
        points = export.pareto_points(tables, verdicts).set_index("defense")
        assert points["beaten"].to_dict() == {"smd": False, "std": beaten}
