"""One defense held against each other row of a table, image by image: what only one of the two
withstands, and whether that is chance."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from smd import export, stats
from smd.experiments import reproduce
from smd.experiments.reproduce import Table
from smd.export import fates
from smd.runs.folders import Run
from smd.stats import Shares
from smd.store import reader
from smd.units import show_level

ALL = "Avg."  # the mean over the levels without noise and with it, as tables have it
COLUMNS = (
    "defense",
    "against",
    "seed",
    "eps",
    "n",
    "only_it",
    "only_other",
    "difference",
    "low",
    "high",
    "p",
)
Side = tuple[Run, dict[str, Shares]]  # a run, and how each image fared at each level


def against(table: Table, done: Sequence[Run], defense: str = "smd") -> pd.DataFrame:
    """That defense's run against each other run of its training seed, a row for each level and for
    the mean over all.

    only_it, only_other: images that one of the two withstands and the other does not (of the mean:
    more of the levels); difference: points of accuracy that the defense lies above the other, with
    its 95 % interval low to high; p: of a paired test of no difference (smd.stats). One training of
    each: nothing here says how others would end.
    """
    cells = {run.id: reproduce.cells_of(table, run) for run in done}
    verdicts = {run.id: reader.image_verdicts(run.store) for run in done}
    rows = [
        row
        for mine in done
        if mine.config.defense == defense
        for other in done
        if other.id != mine.id and other.config.seed == mine.config.seed
        for row in _pair(
            *((run, _levels(cells[run.id], verdicts[run.id])) for run in (mine, other))
        )
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _pair(one: Side, two: Side) -> list[dict[str, object]]:
    """The rows of two runs, level by level, as far as both were judged on the same images."""
    (mine, own), (other, others) = one, two
    alike = [
        level for level in own if level in others and own[level].index.equals(others[level].index)
    ]
    levels = {level: (own[level], others[level]) for level in alike}
    whole = [fates.mean([side[level] for level in alike]) for side in (own, others)]
    if len(alike) > 1 and whole[0] is not None and whole[1] is not None:
        levels[ALL] = (whole[0], whole[1])
    names = {
        "defense": export.defense_title(mine.config),
        "against": export.defense_title(other.config),
        "seed": mine.config.seed,
    }
    return [names | {"eps": level} | _compared(*sides) for level, sides in levels.items()]


def _levels(cells: pd.DataFrame, verdicts: pd.DataFrame) -> dict[str, Shares]:
    """How each image fared at each level, the smallest level first."""
    rows: list[dict[Any, Any]] = cells.sort_values("eps", kind="stable").to_dict("records")
    each = {show_level(row["eps"], row["norm"]): fates.shares(verdicts, row) for row in rows}
    return {level: shares.sort_index() for level, shares in each.items() if shares is not None}


def _compared(one: Shares, two: Shares) -> dict[str, object]:
    low, high = stats.paired_interval(one, two)
    return {
        "n": len(one),
        "only_it": int((one > two).sum()),
        "only_other": int((one < two).sum()),
        "difference": round(100 * float(one.mean() - two.mean()), 2),
        "low": round(100 * low, 2),
        "high": round(100 * high, 2),
        "p": stats.p_value(one, two),
    }
