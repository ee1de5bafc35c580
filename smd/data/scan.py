"""What is taken from a file of a scanner: its values, and of all else only what is needed to use
them.

Names, dates, numbers and comments of such a file are never kept, shown or told.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import numpy as np

from smd.errors import UserError
from smd.files import foreign

MAX_VOXELS = 2**27  # of one image or volume: a small file can claim a huge one

LARGEST = 1e30  # of a value, in either direction


class Deep(UserError):
    """An image has more than 8 bits: its set is read again with all values kept aside."""


@dataclass(frozen=True)
class Place:
    """Where a slice lies, while the slices of its series are gathered."""

    series: str  # the identifier of its series; is compared, and never kept
    normal: tuple[float, float, float]  # of its plane, of length 1
    along: float  # mm along the normal
    localizer: bool = False  # it is an overview to plan the series on, none of its slices


@dataclass(frozen=True, eq=False)
class Scan:
    """One image or volume."""

    # (C, H, W) or (C, D, H, W): uint8 where it has 8 bits and no units, else numbers in the
    # file's units
    values: np.ndarray
    unit: str = ""  # see smd.data.intensity.UNITS
    notes: tuple[str, ...] = ()  # what was done to it, as after a count of images
    window: tuple[float, float] | None = None  # the one that the file names, in its units
    place: Place | None = None
    # mm, of its pixels (H, W) or voxels (D, H, W); None where the file does not say
    spacing: tuple[float, ...] | None = None
    # mm, where the slices of a volume lie, ascending, if they are not evenly spaced; else ()
    along: tuple[float, ...] = ()


def readable(name: str, what: str) -> AbstractContextManager[None]:
    """Whatever is raised within becomes a UserError that names the file and tells nothing of what
    is in it."""
    said = f"The image '{name}' cannot be read as {what}"
    return foreign.readable(said, "remove or replace it", quoting=False)


def check_finite(values: np.ndarray, title: str) -> None:
    """Raise UserError with the title where a number is not finite, or too large to compute with."""
    if not np.isfinite(values).all() or (values.size and float(np.abs(values).max()) > LARGEST):
        raise UserError(f"{title} holds values that are not finite or huge: replace them.")


def check_size(name: str, sides: tuple[int, ...]) -> None:
    """Raise UserError if an image of these sides is none, or too large to be read."""
    if min(sides) < 1:
        raise UserError(f"The image '{name}' holds no pixels: remove it.")
    count = 1
    for side in sides:
        count *= side
    if count > MAX_VOXELS:
        raise UserError(
            f"The image '{name}' claims {'x'.join(map(str, sides))} values: make it smaller."
        )


@contextmanager
def quiet(logger: str) -> Iterator[None]:
    """Without the warnings of a package, which quote the header: they would end in a log.

    logger: the name of the one that it writes them to.
    """
    log = logging.getLogger(logger)
    was, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = was
