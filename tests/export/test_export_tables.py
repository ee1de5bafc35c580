"""Cells, and the accuracy tables made from them."""

import json
import math

import pandas as pd
import pytest
from storing import attack, started

from smd import export, published
from smd.config import TrainConfig
from smd.store import reader
from tests.export.exporting import CIFAR, EMPTY, attacked


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


def test_cells_are_one_a_run_attack_and_level():
    table = attacked({0: 0.9, 8: 0.5}, seeds=3, spread=0.004, note="Few classes.")
    cells = export.accuracy_cells({"a": (CIFAR, table), "b": (CIFAR, EMPTY)})
    assert list(cells.columns) == list(export.CELLS)
    assert len(cells) == 2
    row = cells.iloc[1]
    assert row[["source", "run", "defense", "data", "attack", "steps", "norm", "split", "n", "seeds"]].to_list() == [
        "ours", "a", "SMD", "cifar10", "ce-pgd", 20, "Linf", "test", 1000, 3,
    ]  # fmt: skip
    assert row[["eps", "percent", "low", "high", "spread"]].to_list() == pytest.approx([8 / 255, 50, 49, 51, 0.4])
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
    ours = export.accuracy_cells({"z": (CIFAR, attacked({0: 0.9})), "a": (CIFAR, attacked({0: 0.8}))})
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
    table = export.accuracy_table({"a": (CIFAR, attacked({0: 0.9010, 2: 0.8023, 4: 0.6915, 8: 0.4754}))})
    assert table["Avg."][0] == 71.76


def test_norm_and_note_are_shown_where_they_tell_something():
    plain = attacked({0: 0.9, 8: 0.5})
    other = attacked({127.5: 0.6}, norm="L2", note="Few classes.")
    table = export.accuracy_table({"a": (CIFAR, pd.concat([plain, other]))})
    assert list(table.columns) == [
        "run", "defense", "attack", "steps", "norm", "split", "n", "seeds", "0", "8/255", "0.5", "Avg.", "note",
    ]  # fmt: skip
    assert table[["norm", "note"]].to_numpy().tolist() == [["Linf", ""], ["L2", "Few classes."]]


def test_intervals_stand_beside_the_accuracies():
    one = attacked({0: 0.9, 8: 0.5}, seeds=3, spread=0.0031)
    cells = pd.concat([export.accuracy_cells({"a": (CIFAR, one)}), published.rows("cifar10", "ce-pgd")[-4:]])
    table = export.interval_table(cells)
    assert list(table.columns) == list(export.wide(cells).columns)
    assert table.iloc[:, len(export.WIDE) :].to_numpy().tolist() == [
        ["90.00 (89.00–91.00)", "", "", "50.00 ± 0.31 (49.00–51.00)", "", ""],
        ["87.98", "79.07", "68.05", "46.36", "70.37", ""],
    ]


def test_a_single_seed_has_no_spread():
    table = export.interval_table(export.accuracy_cells({"a": (CIFAR, attacked({8: 0.5}, spread=0.0))}))
    assert table["8/255"][0] == "50.00 (49.00–51.00)"


def bold_runs(parts, column="8/255"):
    """Which runs are bold in a column."""
    table = export.wide(export.accuracy_cells({name: (CIFAR, part) for name, part in parts.items()}))
    bold = export.best(table)
    assert bold.shape == table.shape
    return table["run"][bold[column]].to_list()


def test_all_that_tie_for_the_best_are_bold():
    assert bold_runs({"a": attacked({8: 0.5}), "b": attacked({8: 0.500004}), "c": attacked({8: 0.4})}) == ["a", "b"]


@pytest.mark.parametrize("other", [{"n": 10}, {"split": "val"}, {"norm": "L2"}, {"name": "autoattack"}, {"steps": 7}])
def test_only_like_is_compared_with_like(other):
    parts = {"a": attacked({8: 0.5}), "b": attacked({8: 0.4}), "c": attacked({8: 0.9}, **other)}
    assert bold_runs(parts) == ["a"]


def test_ours_are_not_compared_with_the_papers():
    ours = export.accuracy_cells({"a": (CIFAR, attacked({0: 0.1})), "b": (CIFAR, attacked({0: 0.2}))})
    table = export.wide(pd.concat([ours, published.rows("cifar10", "autoattack")]))
    bold = export.best(table)
    assert table[bold["0"]][["run", "defense"]].to_numpy().tolist() == [["b", "SMD"], ["Table 1c", "STD"]]
    assert table[bold["Avg."]]["defense"].to_list() == ["SMD"]


def test_what_has_nothing_to_compare_with_is_not_bold():
    assert bold_runs({"a": attacked({8: 0.5})}) == []
    assert bold_runs({"a": attacked({0: 0.9, 8: 0.5}), "b": attacked({0: 0.8})}) == []


def test_only_accuracies_can_be_best():
    table = export.accuracy_table(
        {"a": (CIFAR, attacked({0: 0.9}, seeds=3)), "b": (CIFAR, attacked({0: 0.8}, seeds=1))}
    )
    bold = export.best(table)
    assert bold.loc[0].to_dict() == dict.fromkeys(table.columns, False) | {"0": True}
    assert not export.best(table[:0]).to_numpy().any()


def test_knobs_are_part_of_the_defenses_title():
    assert export.defense_title(TrainConfig(defense="smd", params={"preset": "ame"})) == "SMD preset=ame"
    assert export.defense_title(TrainConfig(defense="of-tomorrow")) == "of-tomorrow"
    assert export.attack_title("of-tomorrow") == "of-tomorrow"
