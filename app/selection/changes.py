"""How margins changed from one time to another; pure."""

from pathlib import Path

import pandas as pd

from smd.store import reader
from smd.units import factor

from .lengths import CHANGE

LEAST = 1e-3 / 255  # unit of x: margins are float32, and a change of less is none


def changed(rows: pd.DataFrame, norm: str = "Linf") -> pd.DataFrame:
    """Rows with before and after (unit of x), and their difference in the column CHANGE[norm]."""
    difference = factor(norm) * (rows["after"] - rows["before"]).astype(float)
    return rows.assign(**{CHANGE[norm]: difference})


def between_epochs(store: Path, start: int, end: int, norm: str = "Linf") -> pd.DataFrame:
    """The training images that were correct after both epochs: idx and CHANGE[norm]."""
    return changed(reader.flow(store, start, end), norm)[["idx", CHANGE[norm]]]


def moved(rows: pd.DataFrame, sign: int, norm: str = "Linf") -> pd.DataFrame:
    """The rows whose margin grew (sign 1) or shrank (-1), what changed most first."""
    rows = rows[sign * rows[CHANGE[norm]] > factor(norm) * LEAST]
    return rows.sort_values([CHANGE[norm], "idx"], ascending=[sign < 0, True])
