"""Rows of frames with values of any type: what a column holds is declared beside its query."""

from collections.abc import Iterator
from typing import Any

import pandas as pd


def tuples(table: pd.DataFrame) -> Iterator[Any]:
    """Its rows as namedtuples: columns are attributes."""
    return iter(table.itertuples())


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Its rows as dictionaries: columns are keys."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def insert_after(table: pd.DataFrame, column: str, name: str, values: Any) -> None:
    """Put a new column behind another, in place."""
    table.insert([*table.columns].index(column) + 1, name, values)


def groups(
    table: pd.DataFrame, by: list[str], sort: bool = True
) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """Its rows by the values of several columns: (the values, the rows that have them)."""
    for key, part in table.groupby(by, sort=sort):
        yield tuple(key), part
