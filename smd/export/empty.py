"""Cells without a value and cells that hold a list, the same in every table and file."""

from typing import Any

import pandas as pd

EMPTY = "–"  # on pages and in the terminal; files have an empty cell, JSON null


def missing(value: Any) -> bool:
    """Whether a cell holds no value: None, nan, NaT, NA. A list is a value, also an empty one."""
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def text(value: Any) -> str:
    """A cell as text: nothing where it holds no value, the entries of a list with commas between
    them."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(text, value))
    return "" if missing(value) else str(value)
