"""Eq. 12-14 and the margin update, Alg. 1, l. 11-12."""

import math

import pytest
import torch

from smd.core.margin import gamma1, gamma2, initial_step, updated

IMAGE = (3, 32, 32)


def test_eq12_gives_2_of_255_at_150_epochs():
    assert initial_step(150, IMAGE) == pytest.approx(2 / 255, abs=1e-12)


@pytest.mark.parametrize(
    ("epochs", "pixels"), [(1, 255), (30, 9), (80, 4), (255, 1), (256, 1), (10_000, 1)]
)
def test_eq12_is_a_whole_number_of_pixel_steps_that_covers_the_range(epochs, pixels):
    assert initial_step(epochs, IMAGE) * 255 == pytest.approx(pixels)
    assert initial_step(epochs, IMAGE) * epochs >= 1 - 1e-9


def test_eq12_in_l2_counts_steps_of_a_whole_image():
    unit = math.sqrt(math.prod(IMAGE)) / 255
    assert initial_step(150, IMAGE, "L2") == pytest.approx(2 * unit)


@pytest.mark.parametrize("k", range(41))
def test_eq13_counts_whole_pixel_steps_in_float32(k):
    """floor((k/255) / (1/255)) in float32 is k - 1 for some k, among them 7, 13, 14, 15."""
    margin = torch.tensor([k / 255], dtype=torch.float32)
    assert float(gamma1(margin, 1 / 255)) == pytest.approx(0.9**k, rel=1e-5)


def test_the_naive_floor_does_fall_into_the_trap():
    margin = torch.tensor([7 / 255], dtype=torch.float32)
    assert float(torch.floor(margin / torch.tensor(1 / 255))) == 6


def test_eq13_falls_with_the_margin_only_at_whole_steps():
    inside = gamma1(torch.tensor([3.2 / 255, 3.9 / 255]), 1 / 255)
    assert inside.tolist() == pytest.approx([0.9**3, 0.9**3])
    assert float(inside[0]) == float(inside[1])


def test_eq14_is_one_over_one_plus_the_largest_gradient():
    gradient = torch.zeros(3, 1, 2, 2)
    gradient[1, 0, 0, 1] = -3
    gradient[2, 0, 1, 1] = torch.inf
    assert torch.equal(gamma2(gradient), torch.tensor([1.0, 0.25, 0.0]))


def test_only_flag1_and_flag2_samples_expand():
    margin = torch.tensor([0.1, 0.1, 0.1, 0.1])
    correct = torch.tensor([True, True, False, False])
    crossed = torch.tensor([False, True, False, True])
    new = updated(margin, torch.full((4,), 0.07), torch.full((4,), 0.02), correct, crossed)
    assert new.tolist() == pytest.approx([0.12, 0.07, 0.1, 0.1])
