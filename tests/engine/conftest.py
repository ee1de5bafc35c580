"""A small network trained for a moment on real digits: some samples cross, some do not."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from smd import nets
from smd.paths import AROUND as REPOSITORY


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """These networks are so small that torch's threads only wait for each other, the longer the
    busier the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits():
    """All digits: x (1797, 1, 8, 8) in [0, 1], y (1797,)."""
    stored = np.load(REPOSITORY / "smd" / "data" / "digits.npz")
    x = torch.from_numpy(stored["images"]).float()[:, None] / 16
    return x, torch.from_numpy(stored["labels"]).long()


def briefly_trained(name, x, y, steps=60):
    torch.manual_seed(0)
    model = nets.build(name, tuple(x.shape[1:]), 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step in range(steps):
        rows = torch.arange(step * 64, (step + 1) * 64) % len(x)
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    return model


@pytest.fixture(scope="session")
def trained(digits):
    """(model, x, y): 96 samples that it classifies correctly."""
    x, y = digits
    model = briefly_trained("small-cnn", x, y)
    right = (model(x).argmax(1) == y).nonzero().squeeze(1)[:96]
    return model, x[right], y[right]


@pytest.fixture(scope="session")
def trained_exactly(trained):
    """`trained` in float64, where a batch and its samples one by one agree.

    In float32 they differ by a rounding, which turns the sign of a gradient that is nearly zero: a
    step of whole pixels, and another one on every processor.
    """
    model, x, y = trained
    return copy.deepcopy(model).double(), x.double(), y


@pytest.fixture(scope="session")
def trained_3d():
    """(model, x, y): 24 volumes (1, 5, 12, 12) of 5 classes, which it classifies correctly."""
    torch.manual_seed(0)
    x, y = torch.rand(60, 1, 5, 12, 12) * 0.6, torch.arange(60) % 5
    for k, label in enumerate(y.tolist()):
        x[k, 0, label, 3:9, 3:9] += 0.3
    model = nets.build("volume-cnn", (1, 5, 12, 12), 5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(30):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    right = (model(x).argmax(1) == y).nonzero().squeeze(1)[:24]
    return model.eval(), x[right], y[right]
