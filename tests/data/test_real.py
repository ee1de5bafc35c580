"""Real image sets, where there are some beside the checkout."""

import numpy as np
import pytest

from smd.data import cache, load
from smd.data.split import carve

pytestmark = pytest.mark.slow


@pytest.fixture
def real(shared, monkeypatch):
    monkeypatch.setenv("SMD_DATA", str(shared))
    return shared


def class_counts(images, split):
    return np.bincount(images.labels[images.split == split]).tolist()


def test_fashion_mnist(real, monkeypatch):
    images = load("fashion-mnist")
    assert images.pixels.shape == (70_000, 1, 28, 28)
    assert class_counts(images, 0) == [6000] * 10
    assert class_counts(images, 2) == [1000] * 10
    assert images.classes[images.labels[0]] == "Ankle boot"
    assert abs(images.pixels[:60_000].mean() / 255 - 0.2860) < 1e-4  # the published mean
    splits = carve(images, seed=0)
    assert (len(splits.train), len(splits.val), len(splits.test)) == (54_000, 6_000, 10_000)
    monkeypatch.setattr(cache, "_import", None)  # a second import would fail
    assert load("fashion-mnist").key == images.key


def test_svhn(real):
    images = load("svhn")
    assert images.pixels.shape == (10_000, 3, 32, 32)
    assert class_counts(images, 0) == [543, 1536, 1278, 889, 795, 732, 616, 605, 503, 503]
    assert class_counts(images, 2) == [141, 432, 312, 215, 169, 177, 157, 162, 118, 117]


def test_cifar10(real):
    images = load("cifar10")
    assert images.pixels.shape == (60_000, 3, 32, 32)
    assert class_counts(images, 0) == [5000] * 10
    assert class_counts(images, 2) == [1000] * 10
    means = images.pixels[:50_000].mean((0, 2, 3)) / 255
    np.testing.assert_allclose(means, [0.4913, 0.4821, 0.4465], atol=1e-4)
    assert len(carve(images, seed=0).train) == 45_000


def test_own_gray_archive(real):
    images = load("folder", str(real / "mednist-subset-images.tar.gz"))
    assert images.classes == ("AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT")
    assert images.pixels.shape == (7_200, 1, 64, 64)
    assert class_counts(images, 0) == [1000] * 6
    assert class_counts(images, 2) == [200] * 6
