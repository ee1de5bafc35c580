"""What accuracy tables print in bold: what is better than all else in its column, and no chance."""

from typing import Any

import pandas as pd

from smd import stats
from smd.export import fates
from smd.export.fates import Verdicts
from smd.export.tables import WIDE, rows_of, wide
from smd.stats import Patients, Shares
from smd.units import show_level

# What rows share that may be compared. The note holds an attack's settings: 1 run is not 10.
COMPARABLE = ["data", "attack", "steps", "norm", "split", "n", "note"]
BOLD = (
    "Bold: better than every other row on the same n images, by a paired test at 5 %, which counts"
    " patients where they are known and images elsewhere. Where nothing is bold, no test has told"
    " one. Rows with sound=yes are not compared: each took over what its own run knew."
)


def best(cells: pd.DataFrame, verdicts: Verdicts) -> pd.DataFrame:
    """What to print in bold: booleans of the shape of `wide` of these cells.

    True where an accuracy or "Avg." is better than each other one of its column by a paired test
    (smd.stats) on the same images, so at most once among rows that agree in COMPARABLE, and nowhere
    where images differ, verdicts are missing or were taken over (fates.shares). All tests have to
    hold, so no chance grows with their number. The paper's rows take no part.
    """
    table = wide(cells)
    bold = pd.DataFrame(False, index=table.index, columns=table.columns)
    rows = [part for _, part in rows_of(cells)]
    whose = fates.patients(verdicts)
    ours = table[table["source"] == "ours"]
    accuracies = [name for name in table.columns if name not in (*WIDE, "note")]
    for _, group in ours.groupby(COMPARABLE, sort=False):
        for name in accuracies:
            order = group[name].dropna().sort_values(ascending=False, kind="stable").index
            if len(order) > 1 and _beats_all([(rows[k], verdicts) for k in order], name, whose):
                bold.loc[order[0], name] = True
    return bold


def _beats_all(
    rows: list[tuple[pd.DataFrame, Verdicts]], column: str, whose: Patients | None
) -> bool:
    """Whether the first is better than each other; the nearest are asked first, and only as many as
    needed."""
    first, *others = rows
    if (own := _shares(*first, column)) is None:
        return False
    return all(
        (other := _shares(*row, column)) is not None and stats.better(own, other, whose)
        for row in others
    )


def _shares(part: pd.DataFrame, verdicts: Verdicts, column: str) -> Shares | None:
    """How each image fared in one column of a row, whose cells are `part`; None where that is not
    known."""
    cells: dict[str, dict[Any, Any]] = {
        show_level(cell["eps"], cell["norm"]): cell for cell in part.to_dict("records")
    }
    wanted = part["watched"].iloc[0].split(",") if column == "Avg." else [column]
    own = verdicts.get(part["run"].iloc[0])
    return fates.mean(
        [fates.shares(own, cells[level]) if level in cells else None for level in wanted]
    )
