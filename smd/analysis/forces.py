"""Is a class that presses more on the decision boundary spared by it in the next epoch? A
correlation with its null.

Pressure of a class in an epoch: its images whose exploration met the boundary, over the mean of the
classes. What follows is measured on these same images: the next epoch's search goes exactly as far
as the boundary that the last one found, so on a network that does not change whether it crosses
again has nothing to do with how many others were there. It does differ from image to image, so each
is compared with itself. Margins will not do: an image that crosses cannot grow its margin, so on
any network classes with many such images lose margin.

Arrays are (T, K): epochs that have a following one, by classes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
FEWEST_IMAGES = 30  # at the boundary, to say anything about them
FEWEST_EPOCHS = 5  # with a following one: fewer can hardly be shifted against each other
SHIFTS = 999  # of the classes' series against each other: what chance makes
ROUNDS = 20  # of taking off means; two factors, so each round spoils the other's a little


@dataclass(frozen=True)
class Link:
    """How pressure and what followed go together, beside what they do by chance in this very
    run."""

    r: float  # in [-1, 1]; nan where nothing varies
    low: float  # 95 % of the r of shifted series are from here
    high: float  # to here
    n: int  # images at the boundary in more than one epoch, counted in each
    pressure: Table  # (T, K) less what is usual for the class and for the epoch
    # (T, K) share of these images that did not cross again, less what is usual; nan without images
    held: Table

    @property
    def sign(self) -> int:
        """1 or -1 where r lies outside what chance makes, on that side; 0 where there is no
        evidence of a link."""
        return int(self.r > self.high) - int(self.r < self.low)


def relative(counts: Table) -> Table:
    """Each class's images at the boundary over the mean of the classes, (T, K) -> (T, K); every
    epoch has some."""
    return counts / counts.mean(1, keepdims=True)


def link(counts: Table, repeated: Table, surplus: Table, seed: int = 0) -> Link:
    """The correlation over classes and epochs, each cell weighted by its images, and its null.

    found: (T, K) images at the boundary, some in every epoch; repeated: those of them that are
    there in more than one epoch; surplus: how many of these are correct and do not cross in the
    next epoch, less each one's own mean. What is usual for a class or an epoch is taken off. The
    null: each class's pressure is shifted in time, round in a circle, by its own random number of
    epochs; that keeps the course of every series.
    """
    pressure, weight, some = relative(counts), repeated, repeated > 0
    share = usual_off(np.divide(surplus, repeated, out=np.zeros_like(surplus), where=some), weight)
    draw = np.random.default_rng(seed)
    null = [_correlation(_shifted(pressure, draw), share, weight) for _ in range(SHIFTS)]
    known = [r for r in null if np.isfinite(r)] or [np.nan]
    low, high = np.quantile(known, (0.025, 0.975))
    r = _correlation(pressure, share, weight)
    held = np.where(some, share, np.nan)
    return Link(r, float(low), float(high), int(repeated.sum()), usual_off(pressure, weight), held)


def usual_off(values: Table, weight: Table) -> Table:
    """The values less what is usual for the class and for the epoch, both as weighted means."""
    rest = values.copy()
    for _ in range(ROUNDS):
        for axis in (1, 0):
            total = weight.sum(axis, keepdims=True)
            rest -= (weight * rest).sum(axis, keepdims=True) / np.where(total > 0, total, 1)
    return rest


def _shifted(values: Table, draw: np.random.Generator) -> Table:
    """Each class's series moved on by its own number of epochs; what falls off the end comes back
    in front."""
    epochs, classes = values.shape
    rows = (np.arange(epochs)[:, None] - draw.integers(0, epochs, classes)) % epochs
    return np.take_along_axis(values, rows, axis=0)


def _correlation(pressure: Table, share: Table, weight: Table) -> float:
    """The weighted correlation of pressure, its usual part taken off, with a share that has none
    left."""
    rest = usual_off(pressure, weight)
    spread = np.sqrt((weight * rest**2).sum() * (weight * share**2).sum())
    return float((weight * rest * share).sum() / spread) if spread > 1e-9 else float("nan")


def unevenness(counts: Table) -> float:
    """How unevenly the classes press beyond what counting so few images makes, over all these
    epochs; 0: alike.

    found: (T, K). The standard deviation of the relative pressures within the epochs. Classes that
    press alike have a variance of K / n by chance, n the epoch's images.
    """
    chance = counts.shape[1] / counts.sum(1)
    return float(np.sqrt(max(0.0, float((relative(counts).var(1, ddof=1) - chance).mean()))))
