"""Sets of images by their counts alone, and files of arrays as others write them."""

import numpy as np

from smd.data.images import Images


def counted(counts, names=None, order=None):
    """Images (N, 1, 1, 1) of so many training images of each class; rows in that order, by class
    unless given."""
    labels = np.repeat(np.arange(len(counts)), counts)
    labels = (
        labels if order is None else labels[np.random.default_rng(order).permutation(len(labels))]
    )
    classes = tuple(names or (f"class {label}" for label in range(len(counts))))
    return Images(
        "made", "made-0", classes, np.zeros((len(labels), 1, 1, 1), np.uint8), labels, 0 * labels
    )


def pictures(n, seed=0):
    """(n, 6, 6) uint8 of noise."""
    return np.random.default_rng(seed).integers(0, 256, (n, 6, 6), dtype=np.uint8)


def one_hot(labels, columns, kind=np.float32):
    """(n,) numbers -> (n, columns) with a 1 in the column of each."""
    return np.eye(columns, dtype=kind)[np.asarray(labels)]


def saved(folder, **arrays):
    """The path of an .npz with these arrays."""
    np.savez(folder / "own.npz", **arrays)
    return str(folder / "own.npz")
