"""The embedded digits."""

import numpy as np

from smd.data import cached, load
from smd.data.split import carve


def test_digits_are_the_whole_set():
    images = load("digits")
    assert images.pixels.shape == (1797, 1, 8, 8)
    assert images.classes == tuple("0123456789")
    assert np.bincount(images.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert images.pixels.max() == 255
    assert set(np.unique(images.pixels)) == {round(v * 255 / 16) for v in range(17)}
    first_row_of_the_first_zero = [round(v * 255 / 16) for v in (0, 0, 5, 13, 9, 1, 0, 0)]
    assert images.pixels[0, 0, 0].tolist() == first_row_of_the_first_zero


def test_a_fixed_fifth_is_for_testing():
    images = load("digits")
    first, second = carve(images, seed=0), carve(images, seed=1)
    assert (len(first.train), len(first.val), len(first.test)) == (1294, 144, 359)
    np.testing.assert_array_equal(first.test, second.test)
    assert np.abs(np.bincount(images.labels[first.test]) - 35.9).max() < 1.5


def test_key_opens_it_again():
    assert cached(load("digits").key).pixels.shape == (1797, 1, 8, 8)
