"""What a part of the benchmark hands over: a table with a title."""

from dataclasses import dataclass

# column -> figure; a unit stands in a column's name or in a column "unit"
Row = dict[str, str | float | int]


@dataclass(frozen=True)
class Part:
    """The figures of one part."""

    name: str  # as on the command line
    title: str
    rows: list[Row]
    note: str  # what a reader of the table must know
