"""The result of a part of the benchmark: a table with a title."""

from dataclasses import dataclass

Row = dict[str, str | float | int]  # column -> figure; units are in the names or a column "unit"


@dataclass(frozen=True)
class Part:
    """The figures of one part."""

    name: str  # as on the command line
    title: str
    rows: list[Row]
    note: str  # what a reader of the table must know
