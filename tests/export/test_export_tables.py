"""Cells, and the accuracy tables made from them."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from storing import attack, started

from smd import export
from smd.config.schema import TrainConfig
from smd.experiments import published
from smd.store import reader
from smd.store.writer import Recorder
from tests.export.exporting import CIFAR, EMPTY, attacked, first, judged


def test_the_accuracy_table_has_the_papers_shape():
    one = attacked({0: 0.9123456, 2: 0.8, 4: 0.7, 8: 0.5}, seeds=3)
    two = attacked({0: 0.9, 8: 0.4, 12: 0.2})
    at = TrainConfig(data="cifar10", defense="std")
    table = export.accuracy_table({"a": (CIFAR, one), "b": (at, two)})
    assert list(table.columns) == [*export.ABOUT, "0", "2/255", "4/255", "8/255", "12/255", "Avg."]
    assert list(table.iloc[0]) == pytest.approx(
        ["a", "SMD", "CE-PGD", 20, "test", 1000, 3, 91.23, 80.0, 70.0, 50.0, math.nan, 72.81],
        nan_ok=True,
    )
    assert list(table.loc[1, ["0", "8/255", "12/255"]]) == [90.0, 40.0, 20.0]
    assert table.loc[1, ["2/255", "4/255", "Avg."]].isna().all()


def test_the_average_leaves_out_levels_that_the_run_does_not_watch():
    table = export.accuracy_table(
        {"a": (CIFAR, attacked({0: 0.8, 2: 0.6, 4: 0.4, 8: 0.2, 16: 0.0}))}
    )
    assert table["Avg."][0] == 50.0


def test_every_attack_split_and_size_has_a_row():
    parts = [
        attacked({0: 0.9, 8: 0.5}),
        attacked({0: 0.9, 8: 0.4}, steps=100),
        attacked({8: 0.6}, split="train"),
    ]
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


def test_cells_are_one_a_run_attack_and_level():
    table = attacked({0: 0.9, 8: 0.5}, seeds=3, spread=0.004, note="Few classes.")
    cells = export.accuracy_cells({"a": (CIFAR, table), "b": (CIFAR, EMPTY)})
    assert list(cells.columns) == list(export.CELLS)
    assert len(cells) == 2
    row = cells.iloc[1]
    assert row[
        ["source", "run", "defense", "data", "attack", "steps", "norm", "split", "n", "seeds"]
    ].to_list() == ["ours", "a", "SMD", "cifar10", "ce-pgd", 20, "Linf", "test", 1000, 3]
    assert row[["eps", "percent", "low", "high", "spread"]].to_list() == pytest.approx(
        [8 / 255, 50, 49, 51, 0.4]
    )
    assert row[["watched", "note"]].to_list() == ["0,2/255,4/255,8/255", "Few classes."]


def test_cells_do_without_spread_note_and_steps():
    table = attacked({8: 0.5}).drop(columns=["spread", "note"]).assign(steps=math.nan)
    cells = export.accuracy_cells({"a": (CIFAR, table)})
    assert math.isnan(cells["spread"][0])
    assert cells[["steps", "note"]].iloc[0].to_list() == [0, ""]


def test_cells_are_typed_also_where_there_are_none():
    both = pd.concat([export.accuracy_cells({}), published.rows("svhn")])
    assert {name: str(kind) for name, kind in both.dtypes.items()} == export.CELLS


def test_the_papers_rows_stand_last_and_ours_in_their_order():
    ours = export.accuracy_cells(
        {"z": (CIFAR, attacked({0: 0.9})), "a": (CIFAR, attacked({0: 0.8}))}
    )
    table = export.wide(pd.concat([published.rows("cifar10", "autoattack"), ours]))
    assert list(table.columns) == [*export.WIDE, "0", "2/255", "4/255", "8/255", "Avg.", "note"]
    assert table["run"].to_list() == ["z", "a", *["Table 1c"] * 18]
    assert table["source"].to_list() == ["ours"] * 2 + ["paper"] * 18


def test_levels_are_columns_in_ascending_order():
    table = export.accuracy_table(
        {"a": (CIFAR, attacked({16: 0.1, 8: 0.2, 0: 0.9})), "b": (CIFAR, attacked({12: 0.3}))}
    )
    assert list(table.columns)[len(export.ABOUT) :] == ["0", "8/255", "12/255", "16/255", "Avg."]


def test_a_half_is_rounded_up():
    table = export.accuracy_table(
        {"a": (CIFAR, attacked({0: 0.9010, 2: 0.8023, 4: 0.6915, 8: 0.4754}))}
    )
    assert table["Avg."][0] == 71.76


def test_norm_and_note_are_shown_where_they_tell_something():
    plain = attacked({0: 0.9, 8: 0.5})
    other = attacked({127.5: 0.6}, norm="L2", note="Few classes.")
    table = export.accuracy_table({"a": (CIFAR, pd.concat([plain, other]))})
    assert list(table.columns) == [
        "run",
        "defense",
        "attack",
        "steps",
        "norm",
        "split",
        "n",
        "attack seeds",
        "0",
        "8/255",
        "0.5",
        "Avg.",
        "note",
    ]
    assert table[["norm", "note"]].to_numpy().tolist() == [["Linf", ""], ["L2", "Few classes."]]


def test_intervals_stand_beside_the_accuracies():
    one = attacked({0: 0.9, 8: 0.5}, seeds=3, spread=0.0031)
    cells = pd.concat(
        [export.accuracy_cells({"a": (CIFAR, one)}), published.rows("cifar10", "ce-pgd")[-4:]]
    )
    table = export.interval_table(cells)
    spread = "8/255, spread over attack seeds"
    assert list(table.drop(columns=spread).columns) == list(export.wide(cells).columns)
    assert table.drop(columns=spread).iloc[:, len(export.WIDE) :].to_numpy().tolist() == [
        ["90.00 (89.00–91.00)", "", "", "50.00 (49.00–51.00)", "", ""],
        ["87.98", "79.07", "68.05", "46.36", "70.37", ""],
    ]
    assert table[spread].to_list() == pytest.approx([0.31, math.nan], nan_ok=True)
    assert export.spread_table(cells)["8/255"].to_list() == ["50.00 ± 0.31", "46.36"]


def test_a_single_seed_has_no_spread():
    table = export.interval_table(export.accuracy_cells({"a": (CIFAR, attacked({8: 0.5}))}))
    assert table["8/255"][0] == "50.00 (49.00–51.00)"
    assert not [name for name in table.columns if "spread" in name]


def bold_runs(parts, column="8/255"):
    """Which runs are bold in a column; parts: run -> judged(...)."""
    cells = export.accuracy_cells({name: (CIFAR, table) for name, (table, _) in parts.items()})
    bold = export.best(cells, {name: verdicts for name, (_, verdicts) in parts.items()})
    table = export.wide(cells)
    assert bold.shape == table.shape
    return table["run"][bold[column]].to_list()


def test_bold_is_what_a_paired_test_finds_better_than_all_else():
    three = {"a": judged({8: first(60)}), "b": judged({8: first(50)}), "c": judged({8: first(40)})}
    # 10 images fall to none but b: p = 0.002, though the intervals overlap
    assert bold_runs(three) == ["a"]
    assert bold_runs({**three, "b": judged({8: first(55)})}) == []  # 5 images, p = 0.06


def test_nothing_is_bold_where_two_tie():
    assert (
        bold_runs(
            {"a": judged({8: first(50)}), "b": judged({8: first(50)}), "c": judged({8: first(40)})}
        )
        == []
    )


def test_bold_looks_at_images_and_not_at_shares():
    """Ten points that a shift over the images makes are the same as ten that are nested, but no
    test tells them."""
    parts = {"a": judged({8: first(50)}), "b": judged({8: np.roll(first(40), 50)})}
    assert bold_runs(parts) == []


def test_the_mean_over_attack_seeds_is_tested_image_by_image():
    seeds = np.where(first(60), 1.0, np.where(first(70), 1 / 3, 0.0))
    assert bold_runs({"a": judged({8: seeds}), "b": judged({8: first(50)})}) == ["a"]
    assert bold_runs({"a": judged({8: seeds}), "b": judged({8: first(63)})}) == []


def test_the_average_is_tested_over_its_levels():
    levels = (0, 2, 4, 8)
    parts = {
        "a": judged({k: first(60) for k in levels}),
        "b": judged({k: first(50) for k in levels}),
    }
    assert bold_runs(parts, "Avg.") == ["a"]


@pytest.mark.parametrize(
    "other",
    [{"split": "val"}, {"norm": "L2"}, {"name": "autoattack"}, {"steps": 7}, {"note": "runs=1"}],
)
def test_only_like_is_compared_with_like(other):
    parts = {
        "a": judged({8: first(60)}),
        "b": judged({8: first(40)}),
        "c": judged({8: first(90)}, **other),
    }
    assert bold_runs(parts) == ["a"]


def test_attacks_on_other_numbers_of_images_are_not_compared():
    parts = {
        "a": judged({8: first(60)}),
        "b": judged({8: first(40)}),
        "c": judged({8: first(10, 10)}),
    }
    assert bold_runs(parts) == ["a"]


@pytest.mark.parametrize(
    "other",
    [{"images": "another data set"}, {"source": range(1, 101)}, {"source": [math.nan] * 100}],
)
def test_other_images_of_the_same_number_cannot_be_compared(other):
    assert bold_runs({"a": judged({8: first(60)}), "b": judged({8: first(40)}, **other)}) == []


def test_without_verdicts_nothing_is_bold():
    cells = export.accuracy_cells(
        {"a": (CIFAR, judged({8: first(90)})[0]), "b": (CIFAR, judged({8: first(10)})[0])}
    )
    assert not export.best(cells, {}).to_numpy().any()
    assert not export.best(cells[:0], {}).to_numpy().any()


def test_the_papers_rows_take_no_part():
    parts = {"a": judged({8: first(60)}), "b": judged({8: first(40)})}
    ours = export.accuracy_cells({name: (CIFAR, table) for name, (table, _) in parts.items()})
    cells = pd.concat([ours, published.rows("cifar10", "ce-pgd").assign(n=100, steps=20)])
    bold = export.best(cells, {name: verdicts for name, (_, verdicts) in parts.items()})
    table = export.wide(cells)
    assert table[bold.any(axis=1)]["run"].to_list() == ["a"]
    assert (table["source"] == "paper").sum() > 1


def test_what_has_nothing_to_compare_with_is_not_bold():
    assert bold_runs({"a": judged({8: first(60)})}) == []
    assert bold_runs({"a": judged({0: first(90), 8: first(60)}), "b": judged({0: first(80)})}) == []


@pytest.mark.slow
def test_a_store_tells_which_images_it_has_judged(tmp_path):
    """Two runs whose test images are the same, and one whose split was carved by another seed."""
    stores = {}
    for name, sources, ok in (("a", range(12), 12), ("b", range(12), 4), ("c", range(1, 13), 4)):
        recorder = Recorder(tmp_path / f"{name}.duckdb")
        labels = np.zeros(12, int)
        recorder.start({"classes": ["x"], "images": "key"}, {"test": (labels, np.asarray(sources))})
        for seed in (0, 1):
            attack(recorder, ok=first(ok, 12), seed=seed)
        stores[name] = tmp_path / f"{name}.duckdb"

    def bold(*names):
        cells = export.accuracy_cells(
            {name: (CIFAR, reader.attack_table(stores[name])) for name in names}
        )
        return export.best(cells, {name: reader.image_verdicts(stores[name]) for name in names})[
            "8/255"
        ].to_list()

    assert bold("a", "b") == [True, False]
    assert bold("a", "c") == [False, False]


def test_knobs_are_part_of_the_defenses_title():
    assert (
        export.defense_title(TrainConfig(defense="smd", params={"preset": "ame"}))
        == "SMD preset=ame"
    )
    assert export.defense_title(TrainConfig(defense="of-tomorrow")) == "of-tomorrow"
    assert export.attack_title("of-tomorrow") == "of-tomorrow"


def test_programs_get_the_ends_of_intervals_as_numbers():
    cells = export.accuracy_cells({"a": (CIFAR, attacked({0: 0.9, 8: 0.5}))})
    (row,) = export.with_bounds(cells).to_dict("records")
    low, high = (float(cells.loc[cells["eps"] > 0, end].iloc[0]) for end in ("low", "high"))
    assert row["8/255"] == 50.0
    assert (row["8/255 low"], row["8/255 high"]) == (round(low, 2), round(high, 2))
    assert low < 50 < high


def test_rows_that_took_over_verdicts_are_not_compared():
    """Each run's store knew of other attacks, so the rows are no pair."""
    parts = {
        "a": judged({8: first(60)}, note="sound=yes"),
        "b": judged({8: first(40)}, note="sound=yes"),
    }
    assert bold_runs(parts) == []
    assert bold_runs({name: judged({8: first(n)}) for name, n in (("a", 60), ("b", 40))}) == ["a"]


def test_images_of_one_patient_are_one_observation():
    """Ten images tell the rows apart; where two patients have them, nothing does."""
    few, many = ["p0"] * 55 + ["p1"] * 45, [f"p{k}" for k in range(100)]
    for patient, best in ((few, []), (many, ["a"])):
        parts = {
            "a": judged({8: first(60)}, patient=patient),
            "b": judged({8: first(50)}, patient=patient),
        }
        assert bold_runs(parts) == best
