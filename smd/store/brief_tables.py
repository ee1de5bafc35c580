"""Reading what lists of many runs say of each, with its store opened once: that takes longer than
reading any of it."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from smd.store.attack_tables import MEAN_ACCURACIES, with_intervals
from smd.store.connection import reading
from smd.store.run_tables import META, SIZES, VALIDATION, described, rows_of


class Brief(NamedTuple):
    """What a list says of one run."""

    meta: dict[str, Any]
    validation: pd.DataFrame  # ValidationRow
    sizes: pd.DataFrame  # SizeRow
    accuracies: pd.DataFrame  # AccuracyRow


def brief(path: Path) -> Brief:
    """That of one run."""
    with reading(path) as con:
        about, own, sizes, accuracies = (
            rows_of(con, path, query) for query in (META, VALIDATION, SIZES, MEAN_ACCURACIES)
        )
    return Brief(described(path, about), own, sizes, with_intervals(accuracies))
