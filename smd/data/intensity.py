"""Which values of the files are black and white in the imported pixels, and noise in their units.

Imported pixels have 256 grey levels: 0 stands for all values up to `low`, 255 for all from `high`
on.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNITS = ("", "HU")  # that are known: Hounsfield units of CT, or none


@dataclass(frozen=True)
class Bounds:
    """The values that became 0 and 1, one pair for a whole set of images."""

    low: float  # in units of the files
    high: float  # above low
    unit: str = ""  # one of UNITS

    @property
    def json(self) -> dict[str, float | str]:
        """As it is kept with the imported images and in the store of a run."""
        return {"low": self.low, "high": self.high, "unit": self.unit}

    @property
    def words(self) -> str:
        """ "-160 to 240 HU"."""
        return f"{number(self.low)} to {number(self.high)} {self.unit}".rstrip()


def read(value: object) -> Bounds | None:
    """What was kept, which may come from elsewhere; None if it is no pair of bounds."""
    if not isinstance(value, Mapping):
        return None
    low, high, unit = (value.get(name) for name in ("low", "high", "unit"))
    if not (_finite(low) and _finite(high) and isinstance(unit, str) and unit in UNITS):
        return None
    bounds = Bounds(float(low or 0), float(high or 0), unit)
    return bounds if bounds.low < bounds.high else None


def in_units(eps: float, low: float, high: float, unit: str) -> str:
    """A noise level in [0, 1] as a difference of the files' values: 8/255 of -160 to 240 HU is
    "12.5 HU"."""
    return f"{number(eps * (high - low))} {unit}".rstrip()


def number(value: float) -> str:
    """A value of the files with three digits that count, or all of a whole part."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _finite(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and abs(value) < 1e300 and math.isfinite(value)
