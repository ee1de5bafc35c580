"""Which rows are for training, validation and testing; sample ids are positions in these.

A run that has begun keeps the rows that its store names (smd.tasks.images), however they are carved
here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from smd.data import patients, quotas
from smd.data.images import Images
from smd.errors import UserError

TRAIN, VAL, TEST = 0, 1, 2  # values of Images.split
VAL_FRACTION = 0.1  # of the training images, where the source has no validation split
TEST_FRACTION = 0.2  # of all, where the source has no test split
TEST_SEED = (0, TEST)  # the test split is the same for every run
LOTS = 3  # beside TRAIN, VAL and TEST: the draw among classes with the same claim to one image more

Quotas = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]  # see smd.data.quotas


@dataclass(frozen=True, eq=False)
class Splits:
    """Rows of an Images, each ascending: sample i of the training split is row train[i]."""

    train: np.ndarray  # (n,) int64
    val: np.ndarray  # (n,) int64
    test: np.ndarray  # (n,) int64


def carve(images: Images, seed: int, n_train: int = 0, folds: int = 0, fold: int = 0) -> Splits:
    """The splits of a run: the source's own, and what it lacks carved from its training images.

    A test split is carved the same for every seed, a validation split by the run's seed; each class
    gives its share, to less than one image, and keeps an image to train on. Where patients are
    known, all images of one are in one split instead, and shares are kept as well as that allows.
    `folds` > 0: the test split is part `fold` of so many, from 1 on. `n_train` > 0 keeps only so
    many training images, chosen by the seed. Raises UserError if a class has no training
    image left, if there are fewer than `n_train`, or if there are so few images that none is left
    for validation or testing.
    """
    train, val, test = (np.flatnonzero(images.split == s) for s in (TRAIN, VAL, TEST))
    if folds:
        train, test = _fold(images, len(val) + len(test), folds, fold)
    if not len(test):
        train, test = _divide(images, train, round(TEST_FRACTION * len(train)), TEST_SEED)
    if not len(val):
        train, val = _divide(images, train, round(VAL_FRACTION * len(train)), (seed, VAL))
    if n_train > len(train):
        raise UserError(
            f"n_train is {n_train}, but there are {len(train)} training images: choose fewer."
        )
    if n_train:
        train = stratified(train, images.labels[train], n_train, (seed, TRAIN))
    _check_classes(images, train)
    if not len(val) or not len(test):
        raise UserError(
            f"There are too few images ({len(images.labels)}) to keep some for validation and for"
            " testing: add images until there are at least 20."
        )
    return Splits(train, val, test)


def stratified(
    rows: np.ndarray,
    labels: np.ndarray,
    n: int,
    seed: tuple[int, ...],
    quotas_of: Quotas = quotas.kept,
) -> np.ndarray:
    """n of the rows, ascending, with the classes' shares kept; labels are those of the rows."""
    rng, lots = np.random.default_rng(seed), np.random.default_rng((*seed, LOTS))
    wanted = quotas_of(np.bincount(labels), n, lots)
    by_class = np.split(
        rows[np.argsort(labels, kind="stable")], np.cumsum(np.bincount(labels))[:-1]
    )
    return np.sort(
        np.concatenate(
            [rng.permutation(of)[:quota] for of, quota in zip(by_class, wanted, strict=True)]
        )
    )


def summary(images: Images) -> list[dict[str, str | int]]:
    """Images of each class in each split as a run gets them: {"class", "train", "val", "test"}."""
    splits = carve(images, seed=0)  # the counts are the same for every seed
    counts = {
        name: np.bincount(images.labels[rows], minlength=len(images.classes))
        for name, rows in (("train", splits.train), ("val", splits.val), ("test", splits.test))
    }
    return [
        {"class": title, **{name: int(count[label]) for name, count in counts.items()}}
        for label, title in enumerate(images.classes)
    ]


def _divide(
    images: Images, rows: np.ndarray, n: int, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """(the rest, n of the rows, by patient about n), both ascending."""
    if images.facts.patients and len(rows):
        units = images.facts.units[rows]
        if len(np.unique(units)) < len(rows):
            rest, part = patients.divide(images.labels[rows], units, n, seed)
            return rows[rest], rows[part]
    taken = stratified(rows, images.labels[rows], n, seed, quotas.taken_away)
    return rows[~np.isin(rows, taken)], taken


def _fold(images: Images, apart: int, folds: int, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """(the rest, one fold of all images), both ascending; apart: images that the source has set
    apart itself."""
    if apart:
        raise UserError(
            "The images have validation or test images of their own, so there is nothing to fold:"
            " leave --folds out, or give no split ('split=' in --columns)."
        )
    units = images.facts.units if images.facts.patients else None
    return patients.fold(images.labels, units, folds, fold, TEST_SEED)


def _check_classes(images: Images, train: np.ndarray) -> None:
    counts = np.bincount(images.labels[train], minlength=len(images.classes))
    if not counts.all():
        name = images.classes[int(np.argmin(counts))]
        raise UserError(
            f"Class '{name}' has no training image left: add images of it, or use more of them."
        )
