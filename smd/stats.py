"""Statistics: intervals of shares, spreads over seeds, and tests whether one thing is better.

Wilson's interval: E. B. Wilson, JASA 22 (1927), in the form of R. G. Newcombe, Statistics in
Medicine 17 (1998), method 3. Welch's test: B. L. Welch, Biometrika 34 (1947). The interval of a
paired difference: A. Agresti and Y. Min, Statistics in Medicine 24 (2005).

Two on the very same images: paired tests at 5 %. What becomes of an image is a share in [0, 1]: 0
or 1 under one attack seed, a mean over several seeds, levels or trainings. Images that fare alike
on both sides say nothing; under the null the sign of each other difference is a toss-up. Where all
of them are of one size that is McNemar's exact test (Q. McNemar, Psychometrika 12, 1947), else the
permutation test of their signs (R. A. Fisher, The Design of Experiments, 1935). Images of one
patient fare alike, so that where patients are known it is the sign of a patient's sum that is a
toss-up.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

Z = 1.959964  # of a normal variable, two-sided 95 %
LEVEL = 0.05  # two-sided
SAME = 1e-9  # differences of means up to here are rounding
RESAMPLES = 9_999  # of signs, where there are too many for all of them

if TYPE_CHECKING:  # of each image in [0, 1]; its index says which images they are
    Shares: TypeAlias = "pd.Series[float]"
    Patients: TypeAlias = "pd.Series[str]"  # of each image, by the same index; nan: unknown
else:
    Shares = Patients = pd.Series


def wilson(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95 % interval of a binomial share: share (k,) in [0, 1], n (k,) -> lower and upper
    ends, each (k,) in [0, 1]; nan where n is 0."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def wilson_of_one(share: float, n: int) -> tuple[float, float]:
    """`wilson` of a single share."""
    low, high = wilson(np.array([share]), np.array([n]))
    return float(low[0]), float(high[0])


def paired_interval(one: Shares, two: Shares) -> tuple[float, float]:
    """A 95 % interval of how far the mean of `one` lies above that of `two`, on the same images:
    half an image is added to each of the four outcomes that an image can have on both sides, so
    that images which all fare alike do not make it a point. Images are taken as independent. Wider
    than it need be where images differ by less than a whole, as means over levels do."""
    differences = one.to_numpy(float) - two.reindex(one.index).to_numpy(float)
    n = len(differences) + 2
    mean = differences.sum() / n
    half = Z * math.sqrt(((differences**2).sum() + 1) / n - mean**2) / math.sqrt(n)
    return max(-1.0, float(mean - half)), min(1.0, float(mean + half))


def holm(values: np.ndarray) -> np.ndarray:
    """p-values (k,) adjusted for each other so that the chance of any false rejection is kept: S.
    Holm, Scandinavian Journal of Statistics 6 (1979)."""
    order = np.argsort(values)
    factors = len(values) - np.arange(len(values))
    adjusted = np.minimum(np.maximum.accumulate(factors * values[order]), 1)
    return adjusted[np.argsort(order)]


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the sample standard deviation (over n - 1), which is nan of one value."""
    known = np.asarray(values, float)
    return float(known.mean()), float(known.std(ddof=1)) if len(known) > 1 else math.nan


def pooled(spreads: Sequence[float]) -> float:
    """The standard deviation within groups of equal size: the root of the mean variance; nan where
    one is."""
    return float(np.sqrt(np.mean(np.square(np.asarray(spreads, float)))))


def p_value(one: Shares, two: Shares, patients: Patients | None = None) -> float | None:
    """The two-sided p-value of no difference; None where they are not of the same images, each
    once.

    patients: whose each image is, by the same index; an image of an unknown one is a patient's of
    its own, as all are without it.
    """
    if not len(one) or len(one) != len(two) or not one.index.is_unique or not two.index.is_unique:
        return None
    other = two.reindex(one.index).to_numpy(float)
    differences = one.to_numpy(float) - other
    if np.isnan(differences).any():
        return None
    if patients is not None:
        differences = _summed(differences, patients.reindex(one.index))
    return of_signs(differences)


def _summed(differences: np.ndarray, patients: Patients) -> np.ndarray:
    """The sums over each patient's images, (patients,)."""
    codes = pd.factorize(patients)[0]
    own = codes < 0  # nobody knows whose
    codes[own] = codes.max(initial=-1) + 1 + np.arange(own.sum())
    return np.bincount(codes, weights=differences)


def better(one: Shares, two: Shares, patients: Patients | None = None) -> bool:
    """Whether `one` is better on the same images and the difference no chance; False where they are
    of others. patients: as in p_value."""
    p = p_value(one, two, patients)
    return p is not None and p < LEVEL and float(one.mean()) > float(two.mean())


def trained_better(one: Sequence[float], two: Sequence[float]) -> bool:
    """Whether trainings of one network are better than those of another, by Welch's test; False
    with one of either."""
    from scipy import stats  # see _p

    if min(len(one), len(two)) < 2 or np.mean(one) <= np.mean(two):
        return False
    if np.ptp(one) + np.ptp(two) == 0:  # what trainings differ by is not known from these
        return False
    return bool(stats.ttest_ind(one, two, equal_var=False).pvalue < LEVEL)


def of_signs(differences: np.ndarray) -> float:
    """The two-sided p-value of paired differences (n,) whose signs are a toss-up."""
    told = np.round(differences[np.abs(differences) > SAME], 9)
    return _p(np.sort(told).tobytes()) if len(told) else 1.0


@lru_cache(maxsize=4096)  # a page asks again at every click
def _p(differences: bytes) -> float:
    from scipy import stats  # more than a second, which a page without tables need not wait for

    told = np.frombuffer(differences)
    if np.ptp(np.abs(told)) <= SAME:
        return float(stats.binomtest(int((told > 0).sum()), len(told), 0.5).pvalue)
    result = stats.permutation_test(
        (told,),
        lambda x, axis: x.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=max(1, 2_000_000 // len(told)),
        rng=0,
    )
    return float(result.pvalue)
