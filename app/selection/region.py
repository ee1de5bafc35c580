"""What was drawn around in an embedding: a polygon, and how an address writes it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_CORNERS = 40  # of a region, in an address
CIRCLE = 36  # corners of what stands for one


@dataclass(frozen=True)
class Region:
    """A polygon in the plane of one embedding."""

    map: str  # id of the embedding
    corners: tuple[tuple[float, float], ...]  # in the embedding's coordinates

    def text(self) -> str:
        """As it stands in the address."""
        return "~".join(
            [self.map, *(f"{value:.2f}" for corner in self.corners for value in corner)]
        )

    def holds(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Which points lie inside, (n,), (n,) -> (n,) bool: a ray to the right crosses an odd
        number of sides."""
        inside = np.zeros(len(x), bool)
        for (x0, y0), (x1, y1) in zip(
            self.corners, self.corners[1:] + self.corners[:1], strict=True
        ):
            crosses = (y0 > y) != (y1 > y)
            with np.errstate(divide="ignore", invalid="ignore"):  # a level side is never crossed
                inside ^= crosses & (x < x0 + (x1 - x0) * (y - y0) / (y1 - y0))
        return inside


def drawn(map_id: str, corners: Sequence[Sequence[float]]) -> Region | None:
    """The region with these corners, thinned where a lasso has hundreds: an address is short."""
    every = -(-len(corners) // MOST_CORNERS)
    kept = tuple((float(x), float(y)) for x, y in corners[::every]) if corners else ()
    return Region(map_id, kept) if len(kept) > 2 else None


def around(map_id: str, x: np.ndarray, y: np.ndarray, at: int, n: int) -> Region | None:
    """A circle, as a polygon, around the point in place `at` of (m,), (m,): of about the n points
    nearest to it, itself among them; where many lie close, the rounding of an address moves some
    in or out."""
    far = np.sort(np.hypot(x - x[at], y - y[at]))
    inside, outside = far[min(n, len(far)) - 1], far[min(n, len(far) - 1)]
    # a polygon is nearer than its corners
    radius = 1.001 * max((inside + outside) / 2, 0.02) / np.cos(np.pi / CIRCLE)
    turns = np.linspace(0, 2 * np.pi, CIRCLE, endpoint=False)
    corners = zip(x[at] + radius * np.cos(turns), y[at] + radius * np.sin(turns), strict=True)
    return drawn(map_id, list(corners))


def parse(text: str) -> Region | None:
    """Read what `Region.text` has written; None for anything else."""
    name, *values = text.split("~")
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return None
    if len(numbers) < 6 or len(numbers) % 2 or not np.isfinite(numbers).all():
        return None
    return Region(name, tuple(zip(numbers[::2], numbers[1::2], strict=True)))
