"""The embedded default: 1,797 real 8x8 digits.

UCI "Optical Recognition of Handwritten Digits", its test set, CC BY 4.0; the images of
scikit-learn's load_digits.
"""

import hashlib
from pathlib import Path

import numpy as np

from smd.data import cache
from smd.data.images import Images
from smd.data.request import Request
from smd.data.split import TEST, TEST_FRACTION, TEST_SEED, TRAIN, stratified

FILE = Path(__file__).with_name("digits.npz")
BRIGHTEST = 16  # the file counts the black pixels of 4x4 blocks


def load(request: Request) -> Images:
    """1,797 images (1, 8, 8) of the digits 0 to 9; a fixed fifth of each class is the test
    split."""
    request.report("Reading the digits", 0.0)
    digest = hashlib.blake2b(FILE.read_bytes(), digest_size=8).hexdigest()
    return cache.fetch("digits", {"content": digest}, _import)


def _import(folder: Path) -> cache.Imported:
    with np.load(FILE) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    pixels = cache.allocate(folder, (len(images), 1, *images.shape[1:]))
    pixels[:, 0] = np.round(images * (255 / BRIGHTEST))
    rows = np.arange(len(labels))
    split = np.full(len(labels), TRAIN)
    split[stratified(rows, labels, round(TEST_FRACTION * len(rows)), TEST_SEED)] = TEST
    return cache.Imported(tuple("0123456789"), pixels, labels, split)
