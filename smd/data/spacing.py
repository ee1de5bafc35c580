"""How large pixels and voxels are, in mm: what the files of a set say, and one size for all.

In the order of an image's axes, (H, W), or (D, H, W), where D is the distance between the centres
of neighbouring slices. Words have them as --spacing takes them, width first.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from smd.config import spacings
from smd.errors import UserError

ALIKE = 0.02  # share by which sides may differ that count as one
UNEVEN = 0.02  # share of the usual distance between slices by which another may differ
PARALLEL = 0.9999  # cosine between normals of slices of one volume
LARGEST = 10_000.0  # mm of a side; a header that says more is wrong

Spacing = tuple[float, ...]


def known(sides: Iterable[object]) -> Spacing | None:
    """The sides as numbers; None unless there are some, and all can be those of a voxel."""
    try:
        found = tuple(float(str(side)) for side in sides)
    except (TypeError, ValueError):
        return None
    return found if found and all(0 < side < LARGEST for side in found) else None


def usual(steps: np.ndarray) -> float:
    """The median of the distances between slices, (D - 1,) mm; of two in the middle the smaller
    one, which is that without a gap."""
    return float(np.sort(steps)[(len(steps) - 1) // 2])


def even(steps: np.ndarray) -> bool:
    """Whether the distances between the slices of a volume, (D - 1,) mm, count as one."""
    return float(np.abs(steps - usual(steps)).max()) <= UNEVEN * usual(steps)


def missing(steps: np.ndarray) -> int:
    """How many slices lack for all distances, (D - 1,) mm, to be about the usual one."""
    gaps = np.floor(steps / usual(steps) + 0.5) - 1
    return int(gaps.clip(0).sum())


def read(value: object) -> Spacing | None:
    """What was kept, which may come from elsewhere; None if it is no size of pixels or voxels."""
    return known(value) if isinstance(value, list | tuple) and len(value) in (2, 3) else None


def words(spacing: Spacing) -> str:
    """ "0.7 x 0.7 x 2.5 mm", of (2.5, 0.7, 0.7)."""
    return " x ".join(f"{side:.3g}" for side in reversed(spacing)) + " mm"


class Unfit(UserError):
    """An image cannot be resampled as it is asked for."""


class Sizes:
    """The size that is asked for, and what the files of a set say of their own."""

    def __init__(self, text: str) -> None:
        self.asked = spacings.parse(text)
        self._seen: Counter[Spacing] = Counter()
        self._silent = 0  # images that say nothing

    def told(self, spacing: Spacing | None) -> None:
        """Note the size of one more image's pixels or voxels."""
        if spacing is None:
            self._silent += 1
        else:
            self._seen[spacing] += 1

    def wanted(self, dims: int, name: str) -> Spacing:
        """The size that the pixels (dims = 2) or voxels (3) of the image of that name get; raises
        Unfit where other axes were asked for."""
        if len(self.asked) not in (1, dims):
            what = "an image, which has width and height" if dims == 2 else "a volume of slices"
            raise Unfit(
                f"The spacing has {len(self.asked)} numbers, and '{name}' is {what}: write one"
                f" number, or {dims}."
            )
        return self.asked * dims if len(self.asked) == 1 else self.asked[::-1]

    @property
    def kept(self) -> Spacing | None:
        """The size of all images, where they were resampled to it."""
        dims = next((len(spacing) for spacing in self._seen), 0)
        return self.wanted(dims, "") if self.asked and dims else None

    @property
    def notes(self) -> list[str]:
        """What was resampled, in a sentence."""
        if self.kept is None:
            return []
        what = "images" if len(self.kept) == 2 else "volumes"
        return [
            f"{self._seen.total():,} {what} were resampled to {words(self.kept)}; the files have"
            f" {self._range()}."
        ]

    @property
    def cautions(self) -> list[str]:
        """That sizes differ and nothing is done about it, with how many do."""
        middle = self._middle()
        other = sum(count for each, count in self._seen.items() if not _alike(each, middle))
        if self.asked or not other:
            return []
        what, points = ("images", "pixels") if len(middle) == 2 else ("volumes", "voxels")
        silent = f", and {self._silent:,} do not tell theirs" if self._silent else ""
        usual = sorted(middle)[len(middle) // 2]
        return [
            f"{other:,} of {self._seen.total():,} {what} have {points} of another size than"
            f" {words(middle)}{silent}; they have {self._range()}. The same thing takes more"
            f" {points} in one than in another: --spacing {usual:.2g} (on the Train page:"
            " 'Spacing') resamples all alike."
        ]

    def _middle(self) -> Spacing:
        """The median of each side, of two in the middle the smaller one."""
        sides = zip(*self._seen.elements(), strict=False)
        return tuple(sorted(side)[(len(side) - 1) // 2] for side in sides)

    def _range(self) -> str:
        """The smallest and the largest size in words, side by side."""
        ends = [tuple(map(end, zip(*self._seen, strict=True))) for end in (min, max)]
        low, high = map(words, ends)
        return low if _alike(*ends) else f"from {low} to {high}"


def _alike(one: Spacing, other: Spacing) -> bool:
    """Whether two sizes count as one; also of unlike axes, which the import refuses itself."""
    return len(one) == len(other) and bool(np.allclose(one, other, rtol=ALIKE, atol=0))
