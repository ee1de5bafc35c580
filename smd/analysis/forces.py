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

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
FEWEST_IMAGES = 30  # at the boundary, to say anything about them
FEWEST_EPOCHS = 5  # with a following one: fewer can hardly be shifted against each other
SHIFTS = 999  # of the classes' series against each other: what chance makes
ROUNDS = 20  # of taking off means; two factors, so each round spoils the other's a little
MOST = 2_000_000  # numbers of shifted series at once


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
    r, *null = _correlations(_with_null(pressure, seed), share, weight)
    known = [r for r in null if np.isfinite(r)] or [np.nan]
    low, high = np.quantile(known, (0.025, 0.975))
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


def _with_null(pressure: Table, seed: int) -> Iterator[Table]:
    """The classes' series as they are, then each moved on by its own number of epochs, SHIFTS
    times; what falls off the end comes back in front. (S, T, K) each, no more at once than
    MOST."""
    draw, (epochs, classes) = np.random.default_rng(seed), pressure.shape
    at, most = np.arange(epochs)[:, None], max(1, MOST // max(1, pressure.size))
    yield pressure[None]
    for begin in range(0, SHIFTS, most):
        rows = [
            (at - draw.integers(0, epochs, classes)) % epochs
            for _ in range(min(most, SHIFTS - begin))
        ]
        yield np.stack([np.take_along_axis(pressure, own, axis=0) for own in rows])


def _correlations(pressures: Iterator[Table], share: Table, weight: Table) -> list[float]:
    """The weighted correlation of each pressure, its usual part taken off, with a share that has
    none left."""
    of_share, found = (weight * share**2).sum(), list[float]()
    for pressure in pressures:
        rest = _all_usual_off(pressure, weight)
        both = np.einsum("stk,tk->s", rest, weight * share)
        spread = np.sqrt(np.einsum("stk,stk,tk->s", rest, rest, weight) * of_share)
        found += np.divide(
            both, spread, out=np.full_like(both, np.nan), where=spread > 1e-9
        ).tolist()
    return found


def _all_usual_off(values: Table, weight: Table) -> Table:
    """`usual_off` of (S, T, K) at once: what is taken off is a number an epoch and one a class, so
    the rounds need only these."""
    per_epoch, per_class = (
        weight / np.where((total := weight.sum(axis, keepdims=True)) > 0, total, 1)
        for axis in (1, 0)
    )
    means = np.einsum("stk,tk->st", values, per_epoch), np.einsum("stk,tk->sk", values, per_class)
    of_class = np.zeros_like(means[1])
    for _ in range(ROUNDS):
        of_epoch = means[0] - of_class @ per_epoch.T
        of_class = means[1] - of_epoch @ per_class
    return values - of_epoch[:, :, None] - of_class[:, None, :]


def unevenness(counts: Table) -> float:
    """How unevenly the classes press beyond what counting so few images makes, over all these
    epochs; 0: alike.

    found: (T, K). The standard deviation of the relative pressures within the epochs. Classes that
    press alike have a variance of K / n by chance, n the epoch's images.
    """
    chance = counts.shape[1] / counts.sum(1)
    return float(np.sqrt(max(0.0, float((relative(counts).var(1, ddof=1) - chance).mean()))))
