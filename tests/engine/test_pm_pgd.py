"""PM-PGD: the margin of the probabilities by hand, and where its gradient vanishes."""

import pytest
import torch

from smd import attacks, registry
from smd.analysis import ranking
from smd.core import losses

LOGITS = torch.tensor([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
LABELS = torch.tensor([0, 2, 1])


def slope(loss, *logits, y=0):
    """The gradient of one image's loss by its logits."""
    z = torch.tensor([logits], requires_grad=True)
    (gradient,) = torch.autograd.grad(loss(z, torch.tensor([y])).sum(), z)
    return gradient[0]


def test_the_loss_is_that_of_three_classes_by_hand():
    # e^2, e and 1, of 11.1073 together, are 0.66524, 0.24473 and 0.09003
    found = losses.probability_margin(LOGITS, LABELS)
    assert found.tolist() == pytest.approx([0.24473 - 0.66524, 0.66524 - 0.09003, 0], abs=2e-5)


def test_the_gradient_is_that_of_the_softmax_by_hand():
    # of p_m - p_y by z_j: p_m ([j = m] - p_j) - p_y ([j = y] - p_j)
    p = LOGITS[0].softmax(0).tolist()
    wanted = [p[1] * ((j == 1) - p[j]) - p[0] * ((j == 0) - p[j]) for j in range(3)]
    assert slope(losses.probability_margin, 2.0, 1.0, 0.0).tolist() == pytest.approx(wanted)


def test_where_the_network_is_sure_and_right_it_vanishes_as_the_cross_entropys_does():
    for sure, least in ((10.0, 1e-5), (20.0, 1e-10)):
        ours = slope(losses.probability_margin, sure, 1.0, 0.0).norm()
        usual = slope(losses.ce, sure, 1.0, 0.0).norm()
        assert least < usual <= ours <= 3 * usual  # of the same order, and neither is of use alone
        assert ours < 1e3 * least
    saturated = (200.0, 1.0, 0.0)  # float32 has no such small probability
    assert slope(losses.probability_margin, *saturated).tolist() == [0, 0, 0]
    assert slope(losses.ce, *saturated).tolist() == [0, 0, 0]
    assert slope(losses.margin, *saturated).tolist() == [-1, 1, 0]


def test_where_it_is_sure_and_wrong_it_vanishes_and_the_cross_entropys_does_not():
    assert slope(losses.probability_margin, 0.0, 20.0, 1.0).norm() < 1e-7
    assert slope(losses.ce, 0.0, 20.0, 1.0).norm() > 1


def test_it_is_in_no_order_of_strength_and_no_stage_of_autoattack():
    assert "pm-pgd" not in registry.by_strength()
    stages = {stage.name for stage in attacks.build("autoattack", {}).plan(10).stages}
    assert "pm-pgd" not in stages
    (stage,) = attacks.build("pm-pgd", {}).plan(10).stages
    assert (stage.name, stage.steps, stage.runs) == ("pm-pgd", 100, 1)
    assert registry.ATTACKS["pm-pgd"].seeds == registry.ATTACKS["ce-pgd"].seeds
    assert ranking._strength(("pm-pgd", 100, "")) < ranking._strength(("ce-pgd", 1, ""))
