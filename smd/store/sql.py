"""Queries with the rows that they yield, and expressions that several of them share.

The expressions are text and no macros of DuckDB's: a store from elsewhere has nothing to redefine.
"""

from dataclasses import dataclass
from typing import get_type_hints

from smd.core.kinds import (
    ABSTAINED,
    CERTIFIED,
    FOUND,
    MISCLASSIFIED,
    NO_BIN,
    REACHED,
    SMOOTHED,
    WRONG,
)
from smd.registry.estimators import certifying, smoothing
from smd.units import LAST_BIN, SHIFT

LONGEST = 4096  # characters of a text, as long as a path may be
TEXTS = (str, str | None)


@dataclass(frozen=True)
class Query:
    """One SELECT with its named values ($name), and its row: a TypedDict, a field a column.

    The fields stand in the columns' order. `int | None` is a column that may hold NULL.
    """

    row: type
    text: str
    most: int = 20_000_000  # rows; one attack on all of ImageNet-1k has 1.3 million
    longest: int = LONGEST

    @property
    def bounded(self) -> str:
        """The same with each text cut: one row of a small file may unpack to a gigabyte."""
        cut = [
            f'left("{name}", {self.longest}) AS "{name}"'
            for name, hint in get_type_hints(self.row).items()
            if hint in TEXTS
        ]
        return f"SELECT * REPLACE ({', '.join(cut)}) FROM ({self.text}\n)" if cut else self.text


def bin255(margin: str = "margin") -> str:
    """units.bin255 in SQL: the bin of a FLOAT column in the unit of x, as a DOUBLE."""
    return f"least(floor(CAST({margin} AS DOUBLE) * 255 + {SHIFT:e}), {LAST_BIN})"


# Of rows of the tables `margin` and `estimate_result`: smd.core.kinds.kinds, and the bin by kind.
KIND = (
    f"CASE WHEN NOT clean_ok THEN '{MISCLASSIFIED}'"
    f" WHEN crossed THEN '{FOUND}' ELSE '{REACHED}' END"
)
# Of rows of `estimate_result` with their row `e` of `estimate`.
CERTIFYING = f"({', '.join(repr(name) for name in certifying())})"
SMOOTHING = f"({', '.join(repr(name) for name in smoothing())})"
KIND_OF_SMOOTHING = (
    f"CASE WHEN clean_ok THEN '{SMOOTHED}' WHEN crossed THEN '{WRONG}' ELSE '{ABSTAINED}' END"
)
KIND_OF_ESTIMATE = (
    f"CASE WHEN e.method IN {SMOOTHING} THEN {KIND_OF_SMOOTHING}"
    f" WHEN clean_ok AND NOT crossed AND e.method IN {CERTIFYING} THEN '{CERTIFIED}'"
    f" ELSE {KIND} END"
)
BIN = f"CAST(CASE WHEN clean_ok THEN {bin255()} ELSE {NO_BIN} END AS SMALLINT)"
