"""A data set in memory-mapped uint8, as every importer leaves it and every reader finds it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from smd.data.facts import Facts
from smd.data.intensity import Bounds
from smd.data.spacing import Spacing


@dataclass(frozen=True, eq=False)
class Images:
    """Square images, or volumes, with their labels; rows never change once they are in the
    cache."""

    name: str  # as in smd.registry.DATASETS
    key: str  # opens it again: smd.data.cached(key)
    classes: tuple[str, ...]  # label -> name
    # (N, C, H, W) with H = W, or (N, C, D, H, W), uint8, C is 1 or 3; memory-mapped, read-only
    pixels: np.ndarray
    labels: np.ndarray  # (N,) int64 in [0, len(classes))
    split: np.ndarray  # (N,) uint8, as the source gives it: 0 train, 1 val, 2 test
    notes: tuple[str, ...] = ()  # what the import changed or left out, each a sentence
    facts: Facts = field(default_factory=Facts)  # what a table of labels says of each image
    intensity: Bounds | None = None  # the files' values that became 0 and 1; None: pixels as stored
    spacing: Spacing | None = None  # mm, that scans were resampled to; None: as they are
    cautions: tuple[str, ...] = ()  # what to beware of, as the import has seen it, each a sentence

    @property
    def told(self) -> dict[str, Any]:
        """What a run keeps in its store of what their pixels are worth."""
        known = {"intensity": self.intensity.json} if self.intensity else {}
        return known | ({"spacing": list(self.spacing)} if self.spacing else {})

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image, (C, H, W), or of a volume, (C, D, H, W)."""
        return tuple(map(int, self.pixels.shape[1:]))

    @property
    def channels(self) -> int:
        """1 for gray, 3 for RGB."""
        return int(self.pixels.shape[1])

    @property
    def size(self) -> int:
        """The side of an image in pixels; of a volume, the height of its slices."""
        return int(self.pixels.shape[-2])
