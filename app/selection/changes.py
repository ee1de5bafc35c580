"""How margins changed from one time to another; pure."""

from pathlib import Path

import pandas as pd

from smd.store import reader

LEAST = 1e-3  # 1/255: margins are float32, and a change of less is none


def changed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with before and after (unit of x), and their difference change_255 (1/255)."""
    return rows.assign(change_255=255 * (rows["after"] - rows["before"]).astype(float))


def between_epochs(store: Path, start: int, end: int) -> pd.DataFrame:
    """The training images that were correct after both epochs: idx, change_255."""
    return changed(reader.flow(store, start, end))[["idx", "change_255"]]


def moved(rows: pd.DataFrame, sign: int) -> pd.DataFrame:
    """The rows whose margin grew (sign 1) or shrank (-1), what changed most first."""
    rows = rows[sign * rows["change_255"] > LEAST]
    return rows.sort_values(["change_255", "idx"], ascending=[sign < 0, True])
