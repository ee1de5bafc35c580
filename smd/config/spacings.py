"""The size of pixels and voxels that scans are resampled to, as it is asked for, in mm.

| written | what becomes that size |
| --- | --- |
| "" | nothing: pixels and voxels stay as they are |
| `1.0` | all sides |
| `0.7,0.7` | width and height of a pixel |
| `0.7,0.7,2.5` | width and height of a voxel, and the distance between slices |
"""

import re

from smd.errors import UserError

NUMBER = re.compile(r"\d{1,4}(\.\d{1,6})?", re.ASCII)
SMALLEST, LARGEST = 0.001, 1000.0  # mm
MOST = 3  # axes
SHOWN = 40  # characters of a text that is none


def parse(text: str) -> tuple[float, ...]:
    """() of ""; one number for all sides, or width, height and, of voxels, the distance between
    slices, in mm. Raises UserError if it is none of these."""
    words = [word.strip() for word in text.split(",")] if text else []
    if any(not NUMBER.fullmatch(word) for word in words) or len(words) > MOST:
        raise UserError(
            f"There is no spacing '{text[:SHOWN]}': write mm, one number such as 1.0, or width,"
            " height and distance between slices, such as 0.7,0.7,2.5."
        )
    sides = tuple(map(float, words))
    if any(not SMALLEST <= side <= LARGEST for side in sides):
        raise UserError(
            f"The spacing '{text[:SHOWN]}' is outside {SMALLEST:g} to {LARGEST:g} mm: write it in"
            " mm."
        )
    return sides
