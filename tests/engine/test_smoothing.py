"""Randomised smoothing: of a linear network the smoothed margin is known, and is never passed."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from smd.core import kinds
from smd.data.batches import OnDevice
from smd.errors import UserError
from smd.estimators.measure import measure
from smd.estimators.smoothing import Smoothing

SIGMA = 0.25


class Half(nn.Module):
    """Two classes, divided by the plane w x = b: smoothing moves no plane, so that the smoothed
    network's margin is the distance to it, |w x - b| / |w|."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(4)
        self.register_buffer("w", torch.randn(16, generator=generator))
        self.register_buffer("b", self.w.sum() / 2)

    def forward(self, x):
        score = x.flatten(1) @ self.w - self.b
        return torch.stack([-score, score], 1)

    def margin(self, x):
        return (x.flatten(1) @ self.w - self.b).abs() / self.w.norm()


class Constant(nn.Module):
    """The same answer to everything."""

    def __init__(self, *logits):
        super().__init__()
        self.register_buffer("logits", torch.tensor(logits))

    def forward(self, x):
        return self.logits.expand(len(x), -1)


class Coin(nn.Module):
    """Either class, by the sign of one pixel's noise."""

    def forward(self, x):
        first = x.flatten(1)[:, 0] - 0.5
        return torch.stack([first, -first], 1)


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def near_the_plane(model, n=48):
    """Images at all distances from the plane up to some 0.6."""
    x = torch.rand(n, 1, 4, 4, generator=drawn(1))
    out = x.flatten(1) @ model.w - model.b
    wanted = torch.linspace(-0.6, 0.6, n)
    x = x.flatten(1) + ((wanted * model.w.norm() - out) / model.w.norm() ** 2)[:, None] * model.w
    return x.view(n, 1, 4, 4)


@pytest.fixture
def half():
    return Half()


def test_no_radius_is_larger_than_the_true_one_of_a_linear_network(half):
    x = near_the_plane(half)
    found = Smoothing(SIGMA, 50, 2000).estimate(half, x, half(x).argmax(1), "L2", drawn())
    assert (found.margin <= half.margin(x)).all()
    assert (found.margin > 0).sum() > 30
    assert found.right.sum() == (found.margin > 0).sum()
    assert not found.crossed.any()


def test_more_samples_bring_it_nearer_to_the_true_one(half):
    x = near_the_plane(half, 24)
    x = x[(half.margin(x) > 0.1) & (half.margin(x) < 0.4)]
    y, true = half(x).argmax(1), half.margin(x)
    short = [
        float((true - Smoothing(SIGMA, 20, n).estimate(half, x, y, "L2", drawn()).margin).mean())
        for n in (100, 1000, 10000)
    ]
    assert short[0] > short[1] > short[2]
    assert short[2] < 0.03


def test_the_radius_is_that_of_clopper_and_pearson():
    one = Smoothing(SIGMA, samples=1000, alpha=0.001)
    low = stats.binomtest(950, 1000).proportion_ci(1 - 2 * 0.001, "exact").low
    radius = one.radius(np.array([950, 1000, 500, 545, 0]))
    assert radius[0] == pytest.approx(SIGMA * stats.norm.ppf(low), rel=1e-9)
    assert radius[1] == pytest.approx(SIGMA * stats.norm.ppf(0.001**0.001), rel=1e-9)
    assert radius[2:].tolist() == [0, 0, 0]  # what is not surely above a half abstains


def test_it_abstains_where_no_class_is_surely_the_likeliest():
    x = torch.full((3, 1, 4, 4), 0.5)
    found = Smoothing(SIGMA, 20, 200).estimate(
        Coin(), x, torch.zeros(3, dtype=torch.int64), "L2", drawn()
    )
    assert found.margin.tolist() == [0, 0, 0]
    assert not found.right.any()
    assert not found.crossed.any()
    assert set(kinds.of_smoothing(found.right, found.crossed)) == {kinds.ABSTAINED}


def test_another_class_is_no_certificate_of_the_image():
    x, y = torch.zeros(2, 1, 4, 4), torch.tensor([0, 1])
    found = Smoothing(SIGMA, 5, 100).estimate(Constant(0.0, 1.0, 0.0), x, y, "L2", drawn())
    most = SIGMA * stats.norm.ppf(0.001**0.01)
    assert found.margin.tolist() == [0, pytest.approx(most, rel=1e-5)]
    assert found.right.tolist() == [False, True]
    assert found.crossed.tolist() == [True, False]
    assert list(kinds.of_smoothing(found.right, found.crossed)) == [kinds.WRONG, kinds.SMOOTHED]


def test_answers_that_are_not_finite_are_of_no_class():
    x, y = torch.zeros(2, 1, 4, 4), torch.tensor([0, 1])
    found = Smoothing(SIGMA, 5, 100).estimate(Constant(math.nan, 1.0), x, y, "L2", drawn())
    assert not found.right.any()
    assert not found.crossed.any()


def test_the_same_seed_draws_the_same_and_another_another(half):
    pixels = (near_the_plane(half).clamp(0, 1) * 255).round().to(torch.uint8)
    rows = OnDevice(pixels, torch.zeros(48, dtype=torch.int64))
    ids, one = torch.arange(48), Smoothing(SIGMA, 20, 200)
    first, again, other = (measure(half, rows, ids, one, "L2", seed, 16) for seed in (0, 0, 1))
    assert (first.margin == again.margin).all()
    assert (first.margin != other.margin).any()
    # images that the network itself gets wrong are asked, too, and what they are is its word
    assert first.clean_ok.any()
    assert (first.crossed & ~first.clean_ok).any()


def test_it_measures_lengths_in_l2_alone(half):
    x = near_the_plane(half, 2)
    with pytest.raises(UserError, match="L2 alone"):
        Smoothing().estimate(half, x, half(x).argmax(1), "Linf", drawn())
