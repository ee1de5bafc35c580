"""Intervals of statistics by resampling patients, or images where no patient is known.

The intervals are percentiles of a cluster bootstrap: patients are drawn with replacement, each with
all of its images (A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, 1997,
ch. 3.8).
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

RESAMPLES = 1000
FEWEST_PATIENTS = 10  # that an interval is drawn from: of fewer it covers far less than it says
DEFINED = 0.5  # share of the resamples that must define a number for it to have an interval
SAME = 1e-12  # values that differ by less are one
CHUNK = 2_000_000  # weights at once

Statistic = Callable[[np.ndarray], np.ndarray]  # (b, n) weights >= 0 -> (b, m) values


def measured(
    statistic: Statistic,
    n: int,
    patients: np.ndarray | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> np.ndarray:
    """The statistic's values with the ends of their 95 % intervals: (m, 3).

    patients: (n,) whose each image is; None: every image is a patient's of its own. An interval is
    nan where there are fewer than FEWEST_PATIENTS, where fewer than half of the resamples define
    the number, and where all of them agree: a width of 0, as of 20 right out of 20, would say too
    much.
    """
    value = statistic(np.ones((1, n)))[0] if n else statistic(np.ones((1, 0)))[0]
    clusters = _clusters(n, patients)
    if clusters is None:
        return intervals(value, np.empty((0, len(value))))
    drawn = [statistic(weights) for weights in _weights(clusters, seed, resamples)]
    return intervals(value, np.concatenate(drawn))


def measured_by_cell(
    of_counts: Statistic,
    cells: Sequence[np.ndarray],
    many: int,
    patients: np.ndarray | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[np.ndarray]:
    """As `measured`, of statistics that ask only how many images are in each of so many cells:
    of_counts takes (b, many). cells: (n,) each, several ways to put the same images into cells.

    Of patients the resamples are those of `measured`. Images of no known patient are drawn by their
    cells: other draws, of the same distribution.
    """
    n = len(cells[0])
    wholes = [np.bincount(own, minlength=many) for own in cells]
    values, clusters = [of_counts(whole[None])[0] for whole in wholes], _clusters(n, patients)
    if clusters is None:
        return [intervals(value, np.empty((0, len(value)))) for value in values]
    if patients is None:
        each = [_resampled(whole, seed, resamples) for whole in wholes]
    else:
        each = _resampled_by_patient(cells, many, clusters, seed, resamples)
    drawn = [np.concatenate([*map(of_counts, parts)]) for parts in each]
    return [intervals(value, own) for value, own in zip(values, drawn, strict=True)]


def _resampled(counts: np.ndarray, seed: int, resamples: int) -> Iterator[np.ndarray]:
    """How many images are in each cell in resamples of these images, in parts: (many,) -> (b,
    many). That is multinomial: to draw it takes no longer for more images."""
    rng, n, some = np.random.default_rng(seed), int(counts.sum()), np.flatnonzero(counts)
    for size in _parts(len(counts), resamples):
        drawn = np.zeros((size, len(counts)))
        drawn[:, some] = rng.multinomial(n, counts[some] / n, size)
        yield drawn


def _resampled_by_patient(
    cells: Sequence[np.ndarray], many: int, clusters: np.ndarray, seed: int, resamples: int
) -> list[Iterator[np.ndarray]]:
    """As `_resampled`, of patients, for each of several ways to put the images into cells, which
    share their resamples."""
    kinds, kind = np.unique(np.stack(cells), axis=1, return_inverse=True)
    size, kind = kinds.shape[1], kind.ravel()
    parts = [summed(drawn, kind, size) for drawn in _weights(clusters, seed, resamples)]
    counts = np.concatenate(parts)
    blocks = np.split(counts, np.cumsum(_parts(many, resamples))[:-1])
    return [map(partial(summed, group=own, groups=many), blocks) for own in kinds]


def _parts(width: int, resamples: int) -> list[int]:
    """How many rows of that width to hold at once, until all resamples are through."""
    size = max(1, CHUNK // width)
    return [min(size, resamples - start) for start in range(0, resamples, size)]


def intervals(value: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Values (m,) with the ends of their intervals by what the resamples gave, (b, m): (m, 3); nan
    as `measured` says, and of no resamples."""
    ends = np.full((2, len(value)), np.nan)
    if len(drawn):
        known = ~np.isnan(drawn)
        enough = (known.mean(0) >= DEFINED) & ~np.isnan(value)
        enough &= np.abs(np.where(known, drawn - value, 0)).max(0) > SAME
        if enough.any():
            ends[:, enough] = np.nanpercentile(drawn[:, enough], [2.5, 97.5], axis=0)
    return np.stack([value, *ends], axis=1)


def _clusters(n: int, patients: np.ndarray | None) -> np.ndarray | None:
    """Whose each image is, (n,) counted from 0; None of too few patients to draw from."""
    clusters = np.arange(n) if patients is None else np.unique(patients, return_inverse=True)[1]
    return clusters if n and clusters.max() + 1 >= FEWEST_PATIENTS else None


def _weights(clusters: np.ndarray, seed: int, resamples: int) -> Iterator[np.ndarray]:
    """How often each image was drawn, (b, n), in parts: clusters (n,) counted from 0."""
    rng, count = np.random.default_rng(seed), int(clusters.max()) + 1
    for size in _parts(len(clusters), resamples):
        drawn = rng.integers(0, count, size=(size, count))
        yield _counted(drawn, count)[:, clusters].astype(np.float64)


def _counted(numbers: np.ndarray, size: int) -> np.ndarray:
    """How often each number below size stands in each row, (b, k) -> (b, size)."""
    places = (numbers + size * np.arange(len(numbers))[:, None]).ravel()
    return np.bincount(places, minlength=size * len(numbers)).reshape(len(numbers), size)


def summed(weights: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """The weights (b, n) added up by each image's group (n,): (b, groups)."""
    places = group + groups * np.arange(len(weights))[:, None]
    total = np.bincount(places.ravel(), weights.ravel(), minlength=groups * len(weights))
    return total.reshape(len(weights), groups)
