"""How the values of deep images, those of more than 8 bits, become grey levels: as it is asked for.

| written | the values that become 0 and 1 |
| --- | --- |
| "" | as `percentiles:0.5..99.5`; images of 8 bits stay as they are |
| `window:-160..240` | these two |
| `percentiles:1..99` | these two percentiles of the training images |
| `range` | the smallest and the largest of the training images |
| `voi` | the window that all DICOM files of the set name alike |
"""

import re
from dataclasses import dataclass

from smd.errors import UserError

NUMBER = r"(-?\d{1,12}(?:\.\d{1,12})?)"
PAIR = re.compile(rf"(window|percentiles):{NUMBER}\.\.{NUMBER}", re.ASCII)
ALONE = ("range", "voi")
SHOWN = 40  # characters of a text that is none of them


@dataclass(frozen=True)
class Mapping:
    """One way for a whole set of images."""

    kind: str  # "window", "percentiles", "range" or "voi"
    low: float = 0.0  # of a window in units of the files, of percentiles in [0, 100]
    high: float = 0.0


USUAL = Mapping("percentiles", 0.5, 99.5)


def parse(text: str) -> Mapping:
    """What is written as in the table above; raises UserError if it is none of it."""
    if not text:
        return USUAL
    if text in ALONE:
        return Mapping(text)
    match = PAIR.fullmatch(text)
    if not match:
        raise UserError(
            f"There are no intensities '{text[:SHOWN]}': write window:-160..240,"
            " percentiles:0.5..99.5, range or voi."
        )
    kind, low, high = match[1], float(match[2]), float(match[3])
    if low >= high:
        raise UserError(f"The intensities '{text}' are upside down: write the lower number first.")
    if kind == "percentiles" and not 0 <= low < high <= 100:
        raise UserError(f"The intensities '{text}' are outside 0..100: percentiles are within.")
    return Mapping(kind, low, high)
