"""How many images of each class a part of a set gets, so that no class is favoured for its name.

Every quota is the class's proportional share, rounded down or up. Whole-number arithmetic alone:
0.1 * 6000 is no 599.
"""

import numpy as np


def taken_away(counts: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Quotas that leave an image of every class.

    Counts (k,) of the classes and n in all -> (k,) int64.

    They make n in all, or fewer where too many classes have only one image to leave. 0 <= n < the
    sum of the counts.
    """
    low, remainder = _shares(counts, n)
    high = np.minimum(low + (remainder > 0), np.maximum(counts - 1, 0))
    return _filled(np.minimum(low, high), high, remainder, n, rng)


def kept(counts: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Quotas that hold an image of every class wherever n allows; they always make n in all.
    Arguments as above."""
    low, remainder = _shares(counts, n)
    high = low + (remainder > 0)
    least = np.maximum(low, np.minimum(high, 1))
    return _filled(least if least.sum() <= n else low, high, remainder, n, rng)


def _shares(counts: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The proportional shares rounded down, and what that cuts off of each, in counts.sum()-ths of
    an image."""
    exact = counts.astype(np.int64) * n
    total = max(int(counts.sum()), 1)
    return exact // total, exact % total


def _filled(
    low: np.ndarray, high: np.ndarray, remainder: np.ndarray, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Round up where most was cut off, until there are n; among equals the lot decides, not their
    order."""
    order = np.lexsort((rng.permutation(len(low)), -remainder))
    open_ = order[(high > low)[order]]
    quotas = low.copy()
    quotas[open_[: n - int(low.sum())]] += 1
    return quotas
