"""A run whose images are read from disk is, bit for bit, the one whose images are in memory."""

import numpy as np
import pytest
import torch

from smd.config.schema import TrainConfig
from smd.data.batches import OnDevice
from smd.data.images import Images
from smd.data.streamed import Streamed
from smd.training.loop import checkpoint, epochs, prepare, restore

CPU = torch.device("cpu")


@pytest.fixture
def images(tmp_path):
    """90 colour images of noise, memory-mapped like those of a cache."""
    noise = np.random.default_rng(0).integers(0, 256, (90, 3, 12, 12), np.uint8)
    np.save(tmp_path / "images.npy", noise)
    pixels = np.load(tmp_path / "images.npy", mmap_mode="r")
    labels = np.arange(90) % 3
    return Images("svhn", "made-up", ("a", "b", "c"), pixels, labels, np.zeros(90, np.uint8))


def training(images, defense):
    config = TrainConfig(
        data="svhn", defense=defense, net="small-cnn", epochs=1, n_train=48, batch=24
    )
    return prepare(config, images, CPU)


@pytest.mark.parametrize("defense", ["smd", "std"])
def test_a_streamed_epoch_is_the_resident_one_also_when_it_was_broken_off(
    images, defense, monkeypatch
):
    # after the epoch; in_order, which it reads by, has a test of its own
    monkeypatch.setattr("smd.training.loop.robust_accuracies", lambda *rest: [])
    resident = training(images, defense)
    assert isinstance(resident.sets.train, OnDevice)
    list(epochs(resident, lambda state, batches: None))
    monkeypatch.setattr("smd.data.rows.SHARE", 2**50)
    first, again = training(images, defense), training(images, defense)
    assert isinstance(first.sets.train, Streamed)

    def stop(state, batches):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        list(epochs(first, stop))
    restore(again, checkpoint(first))
    list(epochs(again, lambda state, batches: None))
    expected, found = resident.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert all(torch.equal(resident.state[name], again.state[name]) for name in resident.state)
    assert torch.equal(resident.stats.adv_ok, again.stats.adv_ok)
