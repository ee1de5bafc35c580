"""The leak audit: patients in two splits, and images of which another split has nearly the same."""

from dataclasses import replace

import numpy as np
import pytest

from smd.data import leaks
from smd.data.facts import Facts
from smd.data.images import Images
from smd.data.split import Splits
from smd.errors import UserError

N, TEST = 200, 20


def smooth(seed, n=N, shape=(1, 48, 48)):
    """Images (n, *shape) uint8 of blurred noise, each unlike the others."""
    drawn = np.random.default_rng(seed).normal(size=(n, *shape[:-2], 8, 8))
    large = drawn.repeat(shape[-2] // 8, axis=-2).repeat(shape[-1] // 8, axis=-1)
    return np.clip(128 + 40 * large, 0, 255).astype(np.uint8)


def made(pixels, patients=()):
    """Those images; the last TEST of them are tested."""
    n = len(pixels)
    zeros = np.zeros(n, np.int64)
    images = Images("own", "own-0", ("a", "b"), pixels, zeros, zeros, (), Facts(tuple(patients)))
    rows = np.arange(n)
    return images, Splits(rows[: n - 2 * TEST], rows[n - 2 * TEST : n - TEST], rows[n - TEST :])


def changed(pixels):
    """Brighter, with less contrast and noise: nearly the same."""
    noise = np.random.default_rng(9).normal(0, 5, pixels.shape)
    return np.clip(pixels * 0.9 + 20 + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 48, 48), (3, 48, 48), (1, 8, 16, 16)])
def test_nearly_the_same_images_are_found_and_no_others(shape):
    pixels = smooth(0, shape=shape)
    pixels[-3:] = changed(pixels[5:8])
    images, splits = made(pixels)
    assert leaks.near(images, splits) == [(5, N - 3), (6, N - 2), (7, N - 1)]


def test_blank_identical_and_turned_ones_and_those_of_one_split_are_not_told():
    pixels = smooth(1)
    pixels[-1], pixels[3] = 0, 0
    pixels[-2] = pixels[4]  # smd.data.cautions tells it
    pixels[-3] = pixels[5, :, ::-1]
    pixels[10] = changed(pixels[11])
    assert leaks.near(*made(pixels)) == []


def test_the_caution_names_counts_and_three_pairs():
    pixels = smooth(2)
    pixels[-5:] = changed(pixels[:5])
    images, splits = made(pixels)
    found = leaks.audit(images, splits)
    (said,) = leaks.sentences(found, [f"{row}.png" for row in range(N)])
    assert said.startswith(
        "5 images are nearly the same as one of another split (such as '195.png'"
    )
    assert said.count(".png' and") == 3
    assert "mirrored" in said
    assert leaks.sentences(leaks.audit(images, splits, compare=False)) == []
    assert leaks.notes(leaks.audit(images, splits, compare=False)) == [leaks.UNSEEN]


def test_it_does_not_compare_all_with_all():
    """Images that are all alike are the hardest: this would be 2 million pairs."""
    compared = sum(len(one) for one, _ in leaks._neighbours(np.zeros((2_000, 64), bool)))
    assert compared <= 2_000 * leaks.NEIGHBOURS * leaks.ORDERS < 2_000**2 / 4


def test_patients_in_two_splits_are_counted_and_refused():
    pixels = smooth(4)
    people = [f"{row:016x}" for row in range(N)]
    images, splits = made(pixels, people)
    leaks.refuse_shared(images, splits, allowed=False)
    assert leaks.notes(leaks.audit(images, splits)) == [
        "Patients: 160 in training, 20 in validation, 20 in test; none is in two of them."
    ]
    people[-1] = people[-2] = people[0]
    people[-3] = people[1]
    images = replace(images, facts=Facts(tuple(people)))
    with pytest.raises(UserError, match="2 patients are in more than one of") as error:
        leaks.refuse_shared(images, splits, allowed=False)
    assert people[0] not in str(error.value)
    leaks.refuse_shared(images, splits, allowed=True)
    (said,) = leaks.sentences(leaks.audit(images, splits))
    assert said.startswith("2 patients are in more than one of training, validation and test")


def test_unknown_patients_are_each_one_of_their_own():
    assert Facts(("a", "", "a", "")).units.tolist() == [0, 1, 0, 2]
