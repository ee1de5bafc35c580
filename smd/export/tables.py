"""Accuracy tables in the paper's shape: rows are runs under an attack, columns noise levels."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from smd.export.cells import Runs, accuracy_cells
from smd.export.percent import rounded, shown
from smd.export.titles import attack_title
from smd.frames import tuples
from smd.units import show_level

ROW = [
    "source",
    "run",
    "defense",
    "recipe",
    "data",
    "attack",
    "steps",
    "norm",
    "split",
    "n",
    "note",
]  # makes a row
# what an accuracy is the mean over: never the one for the other
SEEDS, TRAININGS = ("attack seeds", "trainings")
ABOUT = ["run", "defense", "attack", "steps", "split", "n", SEEDS]  # accuracy_table's first columns
WIDE = [*ROW[:-1], SEEDS, TRAININGS]  # wide's
SPREADS = {SEEDS: "spread", TRAININGS: "training_spread"}  # standard deviations over them in cells


def wide(cells: pd.DataFrame) -> pd.DataFrame:
    """A row a run and attack, in the order of the cells, the paper's last.

    Columns: those of WIDE, then one a noise level from "0", the clean images, on, then "Avg." and
    "note". Accuracies are in %, rounded to two decimals, nan where nothing was measured. "Avg." is
    over the clean images and the levels that the run watched, so that it means the same in all rows
    on a data set.
    """
    return _laid_out(
        cells, lambda cell: rounded(cell.percent), lambda average: rounded(average), math.nan
    )


def interval_table(cells: pd.DataFrame) -> pd.DataFrame:
    """`wide` with accuracies as text: "89.97 (86.42–92.69)", in brackets the 95 % interval.

    That is for the number of images, and left out where it is unknown. An empty text stands where
    nothing was measured. Standard deviations have columns of their own, such as "8/255, spread over
    attack seeds" (points), of levels where there are any.
    """
    table = _laid_out(cells, _with_interval, shown, "")
    spreads = [_spreads(cells, name) for name in SPREADS]
    return pd.concat([table.drop(columns="note"), *spreads, table[["note"]]], axis=1)


def _with_interval(cell: Any) -> str:
    interval = (
        f" ({shown(cell.low)}–{shown(cell.high)})" if math.isfinite(cell.low + cell.high) else ""
    )
    return shown(cell.percent) + interval


def with_bounds(cells: pd.DataFrame) -> pd.DataFrame:
    """`wide`, and after it the ends of each accuracy's 95 % interval as numbers: "8/255 low" and
    "8/255 high"; what has none at any level has no column."""
    return pd.concat([wide(cells), _ends(cells, "low"), _ends(cells, "high")], axis=1)


def _ends(cells: pd.DataFrame, end: str) -> pd.DataFrame:
    table = _laid_out(cells, lambda cell: rounded(getattr(cell, end)), rounded, math.nan)
    return _levels(table).rename(columns=lambda level: f"{level} {end}")


def _levels(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of noise levels as numbers, those in which there are any."""
    levels = table.loc[:, "trainings":"Avg."].iloc[:, 1:-1].astype(float)
    return levels.dropna(axis=1, how="all")


def _spreads(cells: pd.DataFrame, over: str) -> pd.DataFrame:
    table = _laid_out(cells, lambda cell: rounded(getattr(cell, SPREADS[over])), rounded, math.nan)
    return _levels(table).rename(columns=lambda level: f"{level}, spread over {over}")


def spread_table(cells: pd.DataFrame) -> pd.DataFrame:
    """`wide` with accuracies as text: "30.60 ± 0.55", ± the standard deviation over attack seeds
    (points)."""
    return _laid_out(cells, _with_spread, shown, "")


def _with_spread(cell: Any) -> str:
    return shown(cell.percent) + (f" ± {shown(cell.spread)}" if math.isfinite(cell.spread) else "")


def _laid_out(
    cells: pd.DataFrame, write: Callable[[Any], Any], average: Callable[[float], Any], missing: Any
) -> pd.DataFrame:
    """The frame of wide and interval_table, which differ in how they write a cell (a namedtuple)
    and an average."""
    pairs = sorted({(0.0, "Linf"), *zip(cells["eps"], cells["norm"], strict=True)})
    levels = dict.fromkeys(show_level(eps, norm) for eps, norm in pairs)
    rows = []
    for about, part in rows_of(cells):
        measured = {show_level(cell.eps, cell.norm): write(cell) for cell in tuples(part)}
        rows.append(
            {**dict.fromkeys(levels, missing), **about, **measured, "Avg.": average(_average(part))}
        )
    return pd.DataFrame(rows, columns=[*WIDE, *levels, "Avg.", "note"])


def rows_of(cells: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """What each row is of, and its cells."""
    ordered = cells.sort_values("source", key=lambda source: source == "paper", kind="stable")
    for key, part in ordered.groupby(ROW, sort=False):
        about: dict[str, Any] = dict(zip(ROW, key, strict=True))
        about |= {"attack": attack_title(about["attack"]), SEEDS: part["seeds"].max()}
        about |= {TRAININGS: part["trainings"].max()}
        yield about, part


def _average(part: pd.DataFrame) -> float:
    """The mean in % over the levels that the run watched, nan if one of them was not measured."""
    if math.isfinite(printed := part["average"].iloc[0]):
        return float(printed)
    norm = part["norm"].iloc[0]  # rows of another norm than the run's have no such average
    measured = {
        show_level(eps, norm): percent
        for eps, percent in zip(part["eps"], part["percent"], strict=True)
    }
    wanted = part["watched"].iloc[0].split(",")
    return sum(measured.get(level, math.nan) for level in wanted) / len(wanted)


def concise(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `wide` or `interval_table` without columns in which all rows are as usual."""
    usual = {"source": ["ours"], "recipe": ["common", ""], "norm": ["Linf"], "note": [""]}
    silent = [name for name, values in usual.items() if table[name].isin(values).all()]
    silent += [TRAININGS] if (table[TRAININGS] < 2).all() else []
    return table.drop(columns=[*silent, *(["data"] if table["data"].nunique() < 2 else [])])


def accuracy_table(runs: Runs) -> pd.DataFrame:
    """The paper's Tables 1 and 2 for our runs: a concise `wide`, with at least ABOUT, the levels
    and "Avg."."""
    return concise(wide(accuracy_cells(runs)))


def accuracy_intervals(runs: Runs) -> pd.DataFrame:
    """`accuracy_table` with the 95 % interval of every accuracy: a concise `interval_table`."""
    return concise(interval_table(accuracy_cells(runs)))
