"""Digits as float tensors, and small networks on them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from smd import nets
from smd.paths import AROUND as REPOSITORY


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Networks this small only wait for further threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits():
    """x (1797, 1, 8, 8) in [0, 1], y (1797,)."""
    stored = np.load(REPOSITORY / "smd" / "data" / "digits.npz")
    pixels = torch.from_numpy(np.round(stored["images"] * (255 / 16))).to(torch.uint8)
    return pixels.float()[:, None] / 255, torch.from_numpy(stored["labels"]).long()


def small_network(seed=0):
    torch.manual_seed(seed)
    return nets.build("small-cnn", (1, 8, 8), 10)


@pytest.fixture(scope="session")
def trained(digits):
    """A network that knows some digits: it misclassifies few, and an attack breaks some."""
    x, y = digits
    model = small_network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step in range(60):
        rows = torch.arange(step * 64, (step + 1) * 64) % len(x)
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    return model
