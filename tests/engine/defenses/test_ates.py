"""ATES: the step against the plain transcription, and each of its decisions."""

import copy
from itertools import pairwise

import pytest
import torch
from defenses import plain_stopping as plain
from defenses.stepping import (
    SEED,
    Scripted,
    context,
    doubled,
    grey,
    loss_of,
    running_updates,
    same_gradients,
    step,
    wide,
)

from smd.core import losses
from smd.defenses.ates import ATES, gap


@pytest.mark.slow
@pytest.mark.parametrize(
    "epoch, expected_gap", [(0, 0.0), (15, 0.25), (30, 0.5), (60, 1.0), (99, 1.0)]
)
@pytest.mark.parametrize("eps", [8 / 255, 32 / 255])
def test_images_loss_and_gradients_equal_the_plain_ones(trained, eps, epoch, expected_gap):
    model, x, y = doubled(trained)
    result, state, seen = step(ATES(eps), model, x, y, epoch, epochs=100)
    other = copy.deepcopy(model)
    start = plain.uniform_start(x, eps, torch.Generator().manual_seed(SEED))
    found = [
        plain.ates_image(other, x[i], y[i], start[i], eps, eps / 4, expected_gap)
        for i in range(len(x))
    ]
    images, taken = torch.stack([image for image, _ in found]), [steps for _, steps in found]
    loss, ok = plain.trained_on(other, images, y)
    assert state == {}
    assert torch.allclose(seen[-1], images, atol=1e-5)
    assert [len(fed) for fed in seen[:-1]] == [
        sum(t >= k for t in taken) for k in range(len(seen) - 1)
    ]
    assert (min(taken) < 10) == (expected_gap < 1)
    assert loss_of(result) == pytest.approx(loss, rel=1e-5)
    assert result.clean_ok is None
    assert result.adv_ok.tolist() == ok
    assert same_gradients(model, other)


def test_the_gap_rises_evenly_from_0_to_1_over_60_percent_of_the_run():
    assert [gap(context(epoch, 10, 1)) for epoch in range(10)] == pytest.approx(
        [k / 6 for k in range(6)] + [1] * 4
    )
    assert gap(context(0, 1, 1)) == 0


def test_the_gap_is_tested_before_a_step_so_that_the_step_may_overshoot_it(trained):
    """At gap 0 an image ends beyond the boundary, not before it."""
    model, x, y = doubled(trained)
    _, _, seen = step(ATES(32 / 255), model, x, y, 0, 100)
    with torch.no_grad():
        first, last = (losses.margin(model(fed).softmax(1), y) for fed in (seen[0], seen[-1]))
    overshot = (first <= 0) & (last > 0.01)
    assert overshot.any()


def test_an_image_harder_than_the_gap_stays_at_its_random_start():
    x, y = grey()
    _, _, seen = step(ATES(), Scripted("WW"), x, y)
    assert torch.equal(seen[0], seen[1])


def test_at_gap_1_every_image_takes_all_ten_steps():
    x, y = grey()
    model = Scripted("W" * 11)
    _, _, seen = step(ATES(), model, x, y, epoch=60, epochs=100)
    assert model.calls == 11
    assert not any(torch.equal(a, b) for a, b in pairwise(seen[:4]))


def test_the_ascent_ends_when_no_image_is_left():
    x, y = grey()
    model = Scripted("RRWR")
    step(ATES(), model, x, y)
    assert model.calls == 4  # right, right, wrong, and the training pass


def test_the_attack_uses_running_statistics_and_leaves_them_alone():
    model, x, y = wide()
    step(ATES(), model, x, y, epoch=99, epochs=100)
    assert running_updates(model) == {1}  # the training pass
    assert model.training
