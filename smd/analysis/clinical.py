"""Numbers of diagnosis from labels, predictions and scores.

Pure functions on arrays. A statistic takes weights of the images, (b, n), and gives its values,
(b, m): ones are the images themselves, the counts of a resample are that resample. So the number
and its interval (smd.analysis.bootstrap) come from the same lines. What is undefined, such as the
sensitivity of a class without images, is nan.

Areas under the ROC curve are Mann and Whitney's share of pairs, ties half (J. A. Hanley and B. J.
McNeil, Radiology 143, 1982).
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from smd.analysis.bootstrap import Statistic, summed

BINS = 15  # of equal width, of the calibration error
FEWEST = 10  # images of either class, below which a group is too small for its numbers
RATES = ("sensitivity", "specificity", "PPV", "NPV")  # of each class against the others


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """How many images of each class (row) were predicted as each (column): (n,) twice -> (K, K)."""
    pairs = labels.astype(np.int64) * classes + predicted
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def rates(labels: np.ndarray, predicted: np.ndarray, classes: int) -> Statistic:
    """RATES of every class against the others, then balanced and plain accuracy: m = 4 K + 2.

    All are shares in [0, 1]. Balanced accuracy is the mean sensitivity of the classes that have
    images; it is undefined in a resample that misses one of them.
    """
    of_counts = rates_of(np.bincount(labels, minlength=classes) > 0)
    cells = labels * classes + predicted
    return lambda weights: of_counts(summed(weights, cells, classes * classes))


def rates_of(present: np.ndarray) -> Statistic:
    """As `rates`, by confusion matrices in place of weights: (b, K * K), classes in rows. present
    (K,) bool: which classes have images."""
    classes = len(present)

    def values(counts: np.ndarray) -> np.ndarray:
        table = counts.reshape(len(counts), classes, classes).astype(np.float64)
        positive, called = table.sum(2), table.sum(1)
        true, whole = np.diagonal(table, axis1=1, axis2=2), table.sum((1, 2))[:, None]
        negative, rejected = whole - positive, whole - called
        clear = whole - positive - called + true  # neither of the class nor called it
        sensitivity = _divided(true, positive)
        each = (sensitivity, clear, true, clear)
        parts = [each[0], *map(_divided, each[1:], (negative, called, rejected))]
        balanced = _mean(sensitivity[:, present])
        accuracy = _divided(true.sum(1, keepdims=True), whole)
        return np.concatenate([*parts, balanced, accuracy], axis=1)

    return values


def balanced(labels: np.ndarray, shares: np.ndarray) -> Statistic:
    """Balanced accuracy, m = 1, of images that are right in a share of cases: (n,) twice, labels
    counted from 0 without gaps."""
    classes = int(labels.max()) + 1

    def values(weights: np.ndarray) -> np.ndarray:
        right = summed(weights * shares, labels, classes)
        return _mean(_divided(right, summed(weights, labels, classes)))

    return values


def auc(positive: np.ndarray, scores: np.ndarray) -> Statistic:
    """The area under the ROC curve of one class, m = 1: positive (n,) bool, scores (n,)."""
    area = _area(positive, scores)
    return lambda weights: area(_turned(weights))[:, None]


def macro_auc(labels: np.ndarray, scores: np.ndarray) -> Statistic:
    """The areas of all classes against the others and their mean, m = K + 1: scores (n, K).

    Classes without images have none and do not count in the mean.
    """
    parts = [_area(labels == k, scores[:, k]) for k in range(scores.shape[1])]
    present = np.bincount(labels, minlength=scores.shape[1]) > 0

    def values(weights: np.ndarray) -> np.ndarray:
        turned = _turned(weights)
        each = np.stack([part(turned) for part in parts], axis=1)
        return np.concatenate([each, _mean(each[:, present])], axis=1)

    return values


def _area(positive: np.ndarray, scores: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The area of one class, (b,), by weights (n, b), an image a row, which are read in order.

    Every number on the way is whole or a half, so the order of sums changes none of them.
    """
    own = np.flatnonzero(positive)
    others = np.flatnonzero(~positive)[np.argsort(scores[~positive], kind="stable")]
    below, up_to = (
        np.searchsorted(scores[others], scores[own], side) for side in ("left", "right")
    )

    def values(weights: np.ndarray) -> np.ndarray:
        mine, cumulated = weights[own], np.zeros((len(others) + 1, weights.shape[1]))
        np.cumsum(weights[others], axis=0, out=cumulated[1:])
        won = cumulated[below]
        won += cumulated[up_to]  # twice the others below, as ties count half
        won *= mine
        return _divided(won.sum(0) / 2, mine.sum(0) * cumulated[-1])

    return values


def _turned(weights: np.ndarray) -> np.ndarray:
    """(b, n) -> (n, b) float64, each image's weights side by side in memory."""
    return np.ascontiguousarray(weights.T, dtype=np.float64)


def ece(probabilities: np.ndarray, labels: np.ndarray) -> Statistic:
    """The expected calibration error of the likeliest class, m = 1, in [0, 1]: (n, K), (n,).

    The mean distance of confidence and accuracy over BINS bins of equal width, by their images. Too
    large on the mean, the more so the fewer images, as chance in a bin counts as error; resamples
    add to that, so that percentiles of them are no interval of it.
    """
    confidence = probabilities.max(1)
    gap = confidence - (probabilities.argmax(1) == labels)
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)

    def values(weights: np.ndarray) -> np.ndarray:
        apart = np.abs(summed(weights * gap, bins, BINS)).sum(1, keepdims=True)
        return _divided(apart, weights.sum(1, keepdims=True))

    return values


def youden(positive: np.ndarray, scores: np.ndarray) -> float:
    """The threshold of the largest sensitivity + specificity - 1; a score at or above it is
    positive.

    positive (n,) bool, scores (n,). Of several the lowest; nan where either class is missing.
    """
    if not positive.any() or positive.all():
        return float("nan")
    each = np.unique(scores)
    own, others = np.sort(scores[positive]), np.sort(scores[~positive])
    sensitivity = 1 - np.searchsorted(own, each) / len(own)
    specificity = np.searchsorted(others, each) / len(others)
    return float(each[np.argmax(sensitivity + specificity)])


def probabilities(log_odds: np.ndarray) -> np.ndarray:
    """The softmax of logits whose log-odds z_k - logsumexp of the others these are: any shape."""
    return 1 / (1 + np.exp(-log_odds.clip(-700, 700).astype(np.float64)))


def patients_of_classes(
    labels: np.ndarray, patients: np.ndarray | None, classes: int
) -> np.ndarray:
    """Of how many patients each class has images, (classes,): labels and patients (n,); None: every
    image is a patient's of its own."""
    whose = np.arange(len(labels)) if patients is None else patients
    each = pd.DataFrame({"label": labels, "whose": whose}).groupby("label")["whose"].nunique()
    return each.reindex(range(classes), fill_value=0).to_numpy()


def too_small(labels: np.ndarray, classes: int) -> bool:
    """Whether some class has fewer than FEWEST images among these labels (n,)."""
    return bool((np.bincount(labels, minlength=classes) < FEWEST).any())


def _mean(values: np.ndarray) -> np.ndarray:
    """Over the columns, (b, m) -> (b, 1); nan without any."""
    return _divided(values.sum(1, keepdims=True), np.full((len(values), 1), values.shape[1]))


def _divided(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Their quotient, nan where the whole is 0."""
    return np.divide(part, whole, out=np.full_like(part, np.nan, dtype=np.float64), where=whole > 0)
