"""Images of more than 8 bits: their values are kept aside until all are read, then mapped at once.

One mapping holds for a whole set (smd.config.intensities), so the same tissue has the same grey in
every image.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from smd.config import intensities
from smd.config.intensities import Mapping
from smd.data import cache, disk
from smd.data.intensity import Bounds
from smd.errors import UserError

VALUES = "values.npy"  # in the folder of a cache while it is made
SAMPLED = 2**25  # values that percentiles are found on; of more, every second, third, ...
CHUNK = 2**22  # values that are mapped at once


def allocate(folder: Path, shape: tuple[int, ...]) -> np.memmap:
    """Room for the values, (N, ...) float32, beside that for the pixels that they become.

    Raises UserError if they do not fit on the disk.
    """
    needed = (4 + 1) * int(np.prod(shape, dtype=np.int64))
    disk.require(needed, f"The import of these {shape[0]:,} images")
    return cache.allocate(folder, shape, VALUES, np.float32)


def resized(values: np.ndarray, side: int, cube: bool = False) -> np.ndarray:
    """(..., H, W) -> (..., side, side) as float32, each slice on its own, bilinear with
    antialiasing; 0 leaves the size.

    cube: of a volume (C, D, H, W), the depth becomes `side` as well.
    """
    values = values.astype(np.float32)
    if not side:
        return values
    small = _planes(values, side, side)
    if not cube or values.ndim != 4:
        return small
    flat = small.reshape(len(small), small.shape[1], -1)
    return _planes(flat, side, flat.shape[-1]).reshape(len(small), side, side, side)


def _planes(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """(..., H, W) -> (..., height, width) float32."""
    if values.shape[-2:] == (height, width):
        return values
    planes = np.ascontiguousarray(values.reshape(-1, *values.shape[-2:]))
    bilinear = Image.Resampling.BILINEAR
    small = [np.asarray(Image.fromarray(p).resize((width, height), bilinear)) for p in planes]
    return np.stack(small).reshape(*values.shape[:-2], height, width)


def mapped(
    folder: Path, values: np.memmap, used: np.ndarray, training: np.ndarray, asked: "Asked"
) -> tuple[np.memmap, Bounds, str]:
    """The pixels (N, ...) uint8 that the values become, the bounds, and a note that says both.

    used, training: (N,) bool, the images that count, and those of them that bounds are found on.
    The values are removed. Raises UserError if bounds cannot be found.
    """
    bounds = asked.bounds(values, np.flatnonzero(used & training))
    pixels, outside, total = cache.allocate(folder, values.shape), 0, 0
    for rows in _chunks(values):
        chunk = values[rows]
        pixels[rows] = to_bytes(chunk, bounds)
        counted = chunk[used[rows]]
        outside += int(((counted < bounds.low) | (counted > bounds.high)).sum())
        total += counted.size
    (folder / VALUES).unlink()
    everything = not (used & ~training).any()
    return pixels, bounds, asked.note(bounds, outside / total, everything)


def to_bytes(values: np.ndarray, bounds: Bounds) -> np.ndarray:
    """Values as uint8: 0 up to bounds.low, 255 from bounds.high on, linear between."""
    span = bounds.high - bounds.low
    shares = (values.astype(np.float64) - bounds.low) / span
    return np.rint(255 * np.clip(shares, 0, 1)).astype(np.uint8)


def _chunks(values: np.ndarray) -> Iterator[slice]:
    rows = max(1, CHUNK // max(1, int(np.prod(values.shape[1:]))))
    return (slice(begin, begin + rows) for begin in range(0, len(values), rows))


class Asked:
    """What is asked for, and what the files of a set say of their own values."""

    def __init__(self, text: str) -> None:
        self.mapping: Mapping = intensities.parse(text)
        self._units: set[str] = set()
        self._windows: set[tuple[float, float] | None] = set()

    def told(self, unit: str = "", window: tuple[float, float] | None = None) -> None:
        """Note the unit of one more image, and the window that its file names."""
        self._units.add(unit)
        if len(self._windows) < 3:  # two are too many already
            self._windows.add(window)

    @property
    def unit(self) -> str:
        """That of all images; "" if it is not known, or is not one."""
        return next(iter(self._units)) if len(self._units) == 1 else ""

    def bounds(self, values: np.ndarray, rows: np.ndarray) -> Bounds:
        """The bounds for values (N, ...), of which `rows` are the training images."""
        kind = self.mapping.kind
        if kind == "window":
            return Bounds(self.mapping.low, self.mapping.high, self.unit)
        if kind == "voi":
            return Bounds(*self._window(), self.unit)
        low, high = (
            _range(values, rows)
            if kind == "range"
            else _percentiles(values, rows, (self.mapping.low, self.mapping.high))
        )
        if not low < high:
            raise UserError(
                f"No intensities can be mapped, the training images hold {low:g} nearly"
                " everywhere: choose a window with --intensity window:LOW..HIGH."
            )
        return Bounds(low, high, self.unit)

    def _window(self) -> tuple[float, float]:
        window = next(iter(self._windows)) if len(self._windows) == 1 else None
        if window is None:
            known = "more than one window" if len(self._windows) > 1 else "no window"
            raise UserError(
                f"The files of these images name {known}: choose one for all with --intensity"
                " window:LOW..HIGH."
            )
        return window

    def note(self, bounds: Bounds, outside: float, everything: bool) -> str:
        """What was done, in a sentence or two."""
        found = {
            "percentiles": f" They are the percentiles {self.mapping.low:g} and"
            f" {self.mapping.high:g}",
            "range": " They are the smallest and the largest value",
        }.get(self.mapping.kind, "")
        of = (
            " of all images, none of which are set apart."
            if everything
            else (" of the training images.")
        )
        return (
            f"Intensities from {bounds.words} become 0 to 1; {100 * outside:.1f} % of pixels lie"
            f" outside and are cut.{found + of if found else ''}"
        )


def _range(values: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    each = [(float(values[row].min()), float(values[row].max())) for row in rows]
    return min(low for low, _ in each), max(high for _, high in each)


def _percentiles(
    values: np.ndarray, rows: np.ndarray, shares: tuple[float, float]
) -> tuple[float, float]:
    step = -(-len(rows) * int(np.prod(values.shape[1:])) // SAMPLED)
    sample = np.concatenate([values[row].reshape(-1)[::step] for row in rows])
    low, high = np.percentile(sample, shares)
    return float(low), float(high)
