"""Sets of images by their counts alone, and files of arrays as others write them."""

import numpy as np

from smd.data.images import Images


def counted(counts, names=None, order=None):
    """Images (N, 1, 1, 1) of so many training images of each class; rows in that order, by class unless given."""
    labels = np.repeat(np.arange(len(counts)), counts)
    labels = labels if order is None else labels[np.random.default_rng(order).permutation(len(labels))]
    classes = tuple(names or (f"class {label}" for label in range(len(counts))))
    return Images("made", "made-0", classes, np.zeros((len(labels), 1, 1, 1), np.uint8), labels, 0 * labels)
