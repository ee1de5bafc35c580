"""Where the pixels of a DICOM file lie in space: the size of pixels, and the places of slices.

Files of several frames say so of each frame, in functional groups, or at once of all. What stands
there is checked to be numbers; what is not said is not made up: the thickness of a slice is none of
its distances.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from smd.data import spacing
from smd.data.scan import Place
from smd.data.spacing import Spacing

STEP = 1e-5  # mm; frames nearer than this lie at one place
DETECTOR = "images tell the size of pixels on the detector, not in the body: it is taken"


@dataclass(frozen=True)
class Grid:
    """The size of pixels (H, W) or voxels (D, H, W) in mm; None where the file does not say."""

    spacing: Spacing | None
    along: tuple[float, ...] = ()  # mm, as in smd.data.scan.Scan
    notes: tuple[str, ...] = ()  # as there


def frames(file: Any) -> int:
    """How many there are."""
    return int(file.get("NumberOfFrames") or 1)


def functional(file: Any, frame: int, group: str) -> Any:
    """What files of several frames say of one frame, or of all; None if they do not."""
    own = file.get("PerFrameFunctionalGroupsSequence") or ()
    holders = [*own[frame : frame + 1], *(file.get("SharedFunctionalGroupsSequence") or ())]
    return next((found[0] for each in holders if (found := each.get(f"{group}Sequence"))), None)


def place(file: Any) -> Place | None:
    """Where a slice lies; None if the file does not say so in numbers."""
    found = _along(file, 0)
    if found is None:
        return None
    normal, along = found
    x, y, z = map(float, normal)
    overview = "LOCALIZER" in [str(word).upper() for word in _said(file, "ImageType")]
    return Place("".join(map(str, _said(file, "SeriesInstanceUID"))), (x, y, z), along, overview)


def grid(file: Any) -> Grid:
    """The size of its pixels, or voxels where it has several frames."""
    holder = functional(file, 0, "PixelMeasures") or file
    flat, notes = spacing.known(_said(holder, "PixelSpacing")), tuple[str, ...]()
    if not flat and (flat := spacing.known(_said(file, "ImagerPixelSpacing"))):
        notes = (DETECTOR,)
    if not flat or len(flat) != 2:
        return Grid(None)
    if frames(file) == 1:
        return Grid(flat, (), notes)
    between, along = _between(file, holder)
    voxel = spacing.known((between, *flat))
    return Grid(voxel, along if voxel else (), notes if voxel else ())


def _between(file: Any, measures: Any) -> tuple[float | None, tuple[float, ...]]:
    """The distance between frames, and where they lie if that differs among them."""
    places = _places(file)
    if places is None:
        return _distance(measures, file), ()
    steps = np.diff(places)
    if not ((steps > STEP).all() or (steps < -STEP).all()):
        return None, ()  # several frames at one place, or there and back: they are no volume
    if spacing.even(np.abs(steps)):
        return float(np.abs(steps).mean()), ()
    return spacing.usual(np.abs(steps)), tuple(np.abs(np.array(places) - places[0]).tolist())


def _places(file: Any) -> list[float] | None:
    """Where the frames lie, mm along a line; None if not all of them say so, or are parallel."""
    offsets, frame_numbers = _said(file, "GridFrameOffsetVector"), range(frames(file))
    if len(offsets) == frames(file):
        return _numbers(offsets)
    if not all(functional(file, frame, "PlanePosition") for frame in frame_numbers):
        return None
    known = [each for frame in frame_numbers if (each := _along(file, frame))]
    if len(known) < frames(file):
        return None
    parallel = all(float(normal @ known[0][0]) > spacing.PARALLEL for normal, _ in known)
    return [along for _, along in known] if parallel else None


def _distance(*holders: Any) -> float | None:
    """What a header says itself of the distance between slices."""
    said = (_numbers(_said(each, "SpacingBetweenSlices")) for each in holders)
    return next((abs(numbers[0]) for numbers in said if numbers), None)


def _along(file: Any, frame: int) -> tuple[np.ndarray, float] | None:
    """The normal (3,) of a frame's plane, of length 1, and mm along it."""
    at = functional(file, frame, "PlanePosition") or file
    turned = functional(file, frame, "PlaneOrientation") or file
    position = _numbers(_said(at, "ImagePositionPatient"))
    sides = _numbers(_said(turned, "ImageOrientationPatient"))
    if position is None or sides is None or (len(position), len(sides)) != (3, 6):
        return None
    normal = np.cross(sides[:3], sides[3:])
    length = float(np.linalg.norm(normal))
    if not 0 < length < np.inf:
        return None
    along = float(position @ (normal / length))
    return (normal / length, along) if np.isfinite(along) else None


def _said(holder: Any, tag: str) -> Sequence[Any]:
    """What stands there, one value or several; () if nothing does, or nothing that can be read."""
    try:
        value = holder.get(tag)
    except Exception:  # a value that is none of its kind makes pydicom raise nearly anything
        return ()
    if value is None or value == "":
        return ()
    return [value] if isinstance(value, str) or not hasattr(value, "__len__") else list(value)


def _numbers(values: Sequence[Any]) -> list[float] | None:
    """The values as finite numbers; None unless all are, and there are some."""
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        return None
    return numbers if numbers and np.isfinite(numbers).all() else None
