"""Resampling to pixels or voxels of one size in mm, and fitting to a side without a change of it.

Values are interpolated linearly along each axis (scipy.ndimage), after a Gaussian low-pass where
an axis gets fewer samples, with the deviation that scikit-image takes: half of what a new sample
is longer than an old one, in old samples. Both keep constants and linear ramps as they are, but
near the borders. The new grid lies centred in the old one; it is the whole number of samples whose
extent is closest, so an extent changes by up to half a sample, and what it takes from beyond the
border is the border's value.
"""

import math
from collections.abc import Sequence

import numpy as np

from smd.data import axes
from smd.data.scan import check_size
from smd.data.spacing import Spacing, Unfit, usual, words
from smd.registry import LARGEST as WIDEST  # pixels a side of images

DEEPEST = 256  # voxels a side of volumes
MOST = {2: WIDEST, 3: DEEPEST}  # samples a side, by axes
CUT = "images were cut to the image size, around their centre"
FILLED = "images were filled up to the image size, with their lowest value"


def resampled(
    values: np.ndarray, has: Spacing, wanted: Spacing, name: str, side: int = 0
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(C, H, W) or (C, D, H, W) with samples of the size `has` -> float32 with those of `wanted`,
    and what was done to get `side` samples on each axis, unless that is 0: CUT, FILLED.

    Raises Unfit, with the name, if that has too many samples.
    """
    sides = values.shape[1:]
    factors = np.array(wanted) / np.array(has)  # old samples that a new one is long
    new = counted(sides, has, wanted)
    kept = [min(n, side or n) for n in new]
    if max(kept) > MOST[len(sides)]:
        raise _too_large(name, new, wanted)
    # of the centre of the first new sample, in old ones
    begin = (np.array(sides) - np.array(new) * factors) / 2 + factors / 2 - 0.5
    begin += [(n - k) // 2 * f for n, k, f in zip(new, kept, factors, strict=True)]
    made = np.stack([_sampled(channel, factors, begin, kept) for channel in values])
    if side and min(kept) < side:
        less = [side - n for n in kept]
        around = [(0, 0), *((n // 2, n - n // 2) for n in less)]
        made = np.pad(made, around, constant_values=made.min())
    done = ((CUT, max(new) > side > 0), (FILLED, min(new) < side))
    return made, tuple(text for text, happened in done if happened)


def counted(sides: Sequence[int], has: Spacing, wanted: Spacing) -> tuple[int, ...]:
    """How many samples of the size `wanted` take the place of those of the size `has`, by axis."""
    return tuple(
        max(1, math.floor(n * own / new + 0.5))
        for n, own, new in zip(sides, has, wanted, strict=True)
    )


def _sampled(
    values: np.ndarray, factors: np.ndarray, begin: np.ndarray, sides: Sequence[int]
) -> np.ndarray:
    """One channel (H, W) or (D, H, W) at begin + k * factors on each axis, float32 of `sides`."""
    from scipy import ndimage

    values = values.astype(np.float32)
    smooth = np.clip((factors - 1) / 2, 0, values.shape)  # more averages no more of it
    if smooth.any():
        values = ndimage.gaussian_filter(values, smooth, mode="nearest")
    made = np.empty(tuple(sides), np.float32)
    ndimage.affine_transform(values, factors, begin, made.shape, made, order=1, mode="nearest")
    return made


def _too_large(name: str, sides: Sequence[int], spacing: Spacing) -> Unfit:
    """That an image would be too large with samples of that size."""
    return Unfit(
        f"The image '{name}' would have {axes.sides((1, *sides))} of {words(spacing)}, more than"
        f" {MOST[len(sides)]} a side: choose a larger --spacing, or an image size, to which it is"
        " cut."
    )


def evenly(values: np.ndarray, along: Sequence[float], name: str) -> tuple[np.ndarray, float]:
    """The slices of a volume (C, D, H, W) that lie at `along`, (D,) mm and ascending, as slices at
    even distances, and the distance: from the first to the last, interpolated linearly.

    Their number is that which the usual distance makes. Raises UserError, with the name,
    if they are too many.
    """
    places = np.array(along, np.float64)
    length = float(places[-1] - places[0])
    n = math.floor(length / usual(np.diff(places)) + 0.5) + 1
    check_size(name, (len(values), n, *values.shape[2:]))
    at = np.linspace(places[0], places[-1], n)
    after = np.clip(np.searchsorted(places, at, side="right"), 1, len(places) - 1)
    share = (at - places[after - 1]) / (places[after] - places[after - 1])
    part = share.astype(np.float32)[:, None, None]
    low, high = values[:, after - 1].astype(np.float32), values[:, after].astype(np.float32)
    return low + part * (high - low), length / (n - 1)
