"""Dividing images so that all of a patient are on one side.

The classes' shares are kept as well as that allows.
The division is scikit-learn's StratifiedGroupKFold; without patients StratifiedKFold, where folds
are asked for.
"""

import warnings
from collections.abc import Mapping

import numpy as np

from smd.errors import UserError

FEWEST = 3  # patients: one each to train on, to validate with and to test


def divide(
    labels: np.ndarray, units: np.ndarray, n: int, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """(the rest, about n) of the images as positions, ascending; labels and units (the patients'
    numbers) are (N,). Raises UserError where there are too few patients."""
    there = len(np.unique(units))
    if there < FEWEST:
        raise UserError(
            f"There are images of only {there} patient{'s' * (there != 1)} to divide: it takes"
            f" {FEWEST} to keep training, validation and test apart; add patients, or set splits in"
            " the table."
        )
    parts = min(max(2, round(len(labels) / max(n, 1))), there)
    found = [part for part in _parts(labels, units, parts, seed) if len(part)]
    taken = min(found, key=lambda part: abs(len(part) - n))
    return np.setdiff1d(np.arange(len(labels)), taken), taken


def fold(
    labels: np.ndarray, units: np.ndarray | None, folds: int, which: int, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """(the rest, fold `which` of `folds`, from 1 on) as positions, ascending; each image is in one
    fold. units: the patients' numbers, None where none are known. Raises UserError where there are
    too few images or patients."""
    if units is not None and len(np.unique(units)) < folds:
        raise UserError(
            f"There are images of only {len(np.unique(units))} patients, too few for {folds} folds:"
            " choose fewer."
        )
    least = int(np.bincount(labels).min())
    if units is None and least < folds:
        raise UserError(
            f"A class has only {least} images, too few for {folds} folds: choose fewer."
        )
    taken = _parts(labels, units, folds, seed)[which - 1]
    if not len(taken):
        raise UserError(f"Fold {which} of {folds} has no patient: choose fewer folds.")
    return np.setdiff1d(np.arange(len(labels)), taken), taken


def _parts(
    labels: np.ndarray, units: np.ndarray | None, parts: int, seed: tuple[int, ...]
) -> list[np.ndarray]:
    """The positions of each part, ascending; together each image once."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    state = int(np.random.default_rng(seed).integers(2**31))
    kind = StratifiedKFold if units is None else StratifiedGroupKFold
    with warnings.catch_warnings():
        # a class with fewer patients than parts is missing in some: smd.data.split says so
        warnings.simplefilter("ignore", UserWarning)
        try:
            split = kind(parts, shuffle=True, random_state=state)
            return [np.sort(part) for _, part in split.split(labels, labels, units)]
        except ValueError:  # every class has fewer images than there are parts
            raise UserError(
                f"There are too few images of each class for {parts} parts: add images."
            ) from None


def shared(units: np.ndarray, parts: Mapping[str, np.ndarray]) -> int:
    """How many patients are in more than one of the splits; units: by row, parts: rows by split."""
    seen = np.concatenate([np.unique(units[rows]) for rows in parts.values()])
    return int((np.bincount(seen) > 1).sum()) if len(seen) else 0
