"""DAT: every sample's attack ends when it has converged as far as the epoch demands."""

import pytest
import torch
import torch.nn.functional as F
from defenses import observed, plain_at, plain_dat

from smd.defenses.dat import DAT, fosc


@pytest.mark.slow
@pytest.mark.parametrize(("epoch", "limit"), [(0, 0.5), (80, 0.1), (110, 0.0)])
def test_images_loss_and_gradients_equal_the_formulas(trained, epoch, limit):
    model, x, y = observed.some(trained, 24)
    seen = observed.stepped(DAT(), model, x, y, epoch)
    expected, _ = plain_dat.batch(model, x, y, 8 / 255, limit, observed.seeded())
    assert torch.allclose(seen.inputs[-1], expected, atol=1e-6)
    loss = plain_at.at_loss(model, expected, y)
    assert seen.means()["loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert observed.gradients_are_of(loss, model, seen.gradients)


def test_only_images_that_have_not_converged_are_passed_on(trained):
    """An image that takes t steps is shown t + 1 times, the last one's result not at all."""
    model, x, y = observed.some(trained, 24)
    seen = observed.stepped(DAT(), model, x, y, epoch=80)
    _, taken = plain_dat.batch(model, x, y, 8 / 255, 0.1, observed.seeded())
    assert len(set(taken)) > 1
    shown = [sum(t >= k for t in taken) for k in range(10)]
    assert [len(images) for images in seen.attacked()] == [n for n in shown if n]


def test_the_first_step_is_taken_whatever_the_condition_says(trained):
    """With a tiny level every condition is met at the start already."""
    model, x, y = observed.some(trained)
    seen = observed.stepped(DAT(1e-5), model, x, y)
    start = x + 1e-5 * plain_at.noise(x, observed.seeded())
    assert len(seen.attacked()) == 2
    assert not torch.equal(seen.inputs[-1], start)


def test_the_condition_is_measured_from_the_clean_image(trained):
    """At the corner of the ball that the gradient points to it is zero, wherever the attack
    began."""
    model, x, y = observed.some(trained)
    gradient = torch.randn_like(x)
    assert torch.allclose(
        fosc(0.1 * gradient.sign(), gradient, 0.1), torch.zeros(len(x), dtype=x.dtype), atol=1e-12
    )
    inside = fosc(torch.zeros_like(x), gradient, 0.1)
    assert torch.allclose(inside, 0.1 * gradient.abs().sum((1, 2, 3)))
    from_start, _ = plain_dat.batch(model, x, y, 32 / 255, 0.5, observed.seeded(), from_start=True)
    ours = observed.stepped(DAT(32 / 255), model, x, y).inputs[-1]
    assert not torch.allclose(ours, from_start, atol=1e-6)


def test_the_start_is_not_clipped_to_the_range_of_pixels(trained):
    model, x, y = observed.some(trained)
    seen = observed.stepped(DAT(), model, x, y)
    start, end = seen.inputs[0], seen.inputs[-1]
    assert float(start.min()) < -1 / 255
    assert float(start.max()) > 1 + 1 / 255
    assert float(end.min()) == 0
    assert float(end.max()) <= 1


def test_the_limit_falls_linearly_to_zero_at_five_sixths_of_the_run():
    x = torch.zeros(1, 1, 8, 8)
    limits = {epoch: DAT().limit(observed.at(x, epoch, 120)) for epoch in (0, 50, 80, 100, 119)}
    assert limits == pytest.approx({0: 0.5, 50: 0.25, 80: 0.1, 100: 0.0, 119: 0.0}, abs=1e-12)
    assert DAT().limit(observed.at(x, 6, 12)) == pytest.approx(0.2)


def test_no_image_weighs_more_than_another(trained):
    """The loss is the plain mean in later epochs too, not weighted by itself."""
    model, x, y = observed.some(trained)
    seen = observed.stepped(DAT(), model, x, y, epoch=1)
    each = F.cross_entropy(model(seen.inputs[-1]), y, reduction="none")
    assert observed.gradients_are_of(each.mean(), model, seen.gradients)
    assert not observed.gradients_are_of((each * each.detach()).mean(), model, seen.gradients)


@pytest.mark.slow
def test_the_attack_runs_in_eval_mode_and_leaves_running_statistics_alone():
    model, x, y = observed.wide()
    seen = observed.stepped(DAT(), model, x, y, epoch=119)
    assert seen.training == [False] * (len(seen.training) - 1) + [True]
    assert observed.running_updates(model) == 1
    assert model.training
