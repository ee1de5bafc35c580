"""Norms, steps and projections."""

import pytest
import torch

from smd.core import lp


@pytest.fixture
def x():
    return torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_projection_lands_in_the_ball_and_in_range(x, norm):
    eps = torch.tensor([0.0, 0.01, 0.1, 0.5, 2.0])
    far = x + torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    near = lp.project(far, x, eps, norm)
    assert (lp.length(near - x, norm) <= eps + 1e-6).all()
    assert near.min() >= 0
    assert near.max() <= 1


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_projection_leaves_inner_points_alone(x, norm):
    inner = (x + 1e-4).clamp(0, 1)
    assert torch.allclose(lp.project(inner, x, torch.full((5,), 0.5), norm), inner)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_a_unit_step_has_length_one_and_a_zero_gradient_moves_nothing(x, norm):
    assert torch.allclose(lp.length(lp.unit_step(x + 0.1, norm), norm), torch.ones(5))
    assert torch.equal(lp.unit_step(torch.zeros_like(x), norm), torch.zeros_like(x))


def test_a_pixel_step_is_the_length_of_a_gray_level_in_every_pixel():
    step = torch.full((1, 3, 4, 4), 1 / 255)
    for norm in ("Linf", "L2"):
        assert lp.pixel((3, 4, 4), norm) == pytest.approx(float(lp.length(step, norm)), rel=1e-6)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_a_random_start_stays_inside_and_depends_on_the_seed_alone(x, norm):
    eps = torch.full((5,), 0.1)
    one, two = (lp.uniform(x, eps, norm, torch.Generator().manual_seed(3)) for _ in range(2))
    other = lp.uniform(x, eps, norm, torch.Generator().manual_seed(4))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert (lp.length(one - x, norm) <= eps + 1e-6).all()
