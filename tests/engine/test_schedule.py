"""The schedule alone: a margin that nothing in a network slows."""

import pytest
import torch

from smd.core.margin import gamma1, initial_step, updated
from smd.core.schedule import alone

SHAPE = (1, 8, 8)


@pytest.mark.parametrize(
    ("epochs", "unit"), [(25, 1 / 255), (3, 1 / 255), (150, 1 / 255), (25, 11 / 255)]
)
def test_it_is_the_margin_update_with_gamma2_at_1_and_no_boundary(epochs, unit):
    delta = initial_step(epochs, SHAPE)
    margin, expected = torch.tensor([delta], dtype=torch.float64), []
    none = torch.zeros(1, dtype=torch.bool)
    for _ in range(epochs):
        margin = updated(margin, margin, delta * gamma1(margin, unit), ~none, none)
        expected.append(float(margin))
    assert alone(epochs, delta, unit) == pytest.approx(expected, rel=1e-9)


def test_after_25_epochs_the_digits_default_ends_at_33_8():
    assert 255 * alone(25, initial_step(25, SHAPE), 1 / 255)[-1] == pytest.approx(33.8, abs=0.05)
