"""IAAT's step against the plain transcription, and each of its peculiarities."""

import pytest
import torch
from defenses.margin_steps import (
    assert_gradients_of,
    info,
    mixed_batch,
    running_updates,
    seeded,
    stepped,
    wide,
)
from defenses.plain_margin import iaat

from smd.defenses import StepContext
from smd.defenses.iaat import IAAT
from smd.errors import UserError

WARM, LATER = 9, 10  # epochs, counted from 0, of 110


@pytest.fixture
def mixed(trained):
    return mixed_batch(trained)


def one_step(model, x, y, margins, epoch=LATER, defense=None):
    seen = stepped(defense or IAAT(), model, x, y, margins, epoch, 110)
    return seen, seen.margins


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [WARM, LATER])
def test_radii_images_loss_and_gradients_equal_the_plain_ones(mixed, epoch):
    model, x, y = mixed
    stored = torch.linspace(0, 0.15, len(x)).double()
    defense = IAAT(gamma=0.04, beta=0.25)
    seen, new = one_step(model, x, y, stored, epoch, defense)
    loss, radii, images = iaat(model, x, y, stored, epoch == WARM, 0.04, 0.25, seeded())
    assert torch.allclose(new, radii, atol=1e-6)
    assert torch.allclose(seen.inputs[-1], images, atol=1e-6)
    assert seen.mean("loss") == pytest.approx(float(loss.detach()), rel=1e-5)
    assert_gradients_of(loss, model, seen.gradients)
    with torch.no_grad():
        assert torch.equal(seen.result.clean_ok, model(x).argmax(1) == y)
        assert torch.equal(
            seen.result.adv_ok, seen.result.clean_ok & (model(images).argmax(1) == y)
        )


def test_all_three_outcomes_occur_and_beta_weighs_the_new_radius(mixed):
    model, x, y = mixed
    stored = torch.linspace(0.01, 0.3, len(x)).double()
    gamma = 0.05
    _, new = one_step(model, x, y, stored, LATER, IAAT(gamma, 0.1))
    change = (new - stored)[:24]
    outcomes = [
        torch.isclose(change, torch.tensor(d).double(), atol=1e-6)
        for d in (0.1 * gamma, 0.0, -0.1 * gamma)
    ]
    assert all(outcome.any() for outcome in outcomes)
    assert sum(outcomes).bool().all()


def test_while_it_warms_up_radii_are_8_255_or_0(mixed):
    model, x, y = mixed
    _, new = one_step(model, x, y, torch.full((len(x),), 0.1), WARM)
    assert new[:24].tolist() == pytest.approx([8 / 255] * 24)
    assert not new[24:].any()


def test_the_radius_of_a_misclassified_image_decays(mixed):
    model, x, y = mixed
    _, new = one_step(model, x, y, torch.full((len(x),), 0.1))
    assert new[24:].tolist() == pytest.approx([0.09] * 8)


def test_radii_have_no_upper_limit(mixed):
    model, x, y = mixed
    _, new = one_step(model, x, y, torch.full((len(x),), 8 / 255))
    assert new.max() == pytest.approx(8 / 255 + 0.19 / 255)


def test_radii_do_not_fall_below_0(mixed):
    """A radius of less than gamma whose attack succeeds: what is found is 0, not negative."""
    model, x, y = mixed
    _, new = one_step(model, x, y, torch.full((len(x),), 0.2), LATER, IAAT(gamma=0.5, beta=1.0))
    assert int((new[:24] == 0).sum()) > 0
    assert (new >= 0).all()


def test_steps_are_2_255_long_at_least(mixed):
    """A fifth of 0.02 is no more than 1/255."""
    model, x, y = mixed
    seen, _ = one_step(model, x[:1], y[:1], torch.full((1,), 0.02))
    first, second = seen.inputs[1], seen.inputs[2]
    moved = (second - first).abs().max()
    assert float(moved) == pytest.approx(2 / 255, abs=1e-6)


def test_the_training_image_is_attacked_at_the_smoothed_radius(mixed):
    model, x, y = mixed
    seen, new = one_step(model, x, y, torch.full((len(x),), 0.1), LATER, IAAT(gamma=0.05))
    distance = (seen.inputs[-1] - x).abs().amax((1, 2, 3))
    assert torch.allclose(distance, new, atol=1e-6)


@pytest.mark.slow
def test_attacks_run_in_train_mode_and_move_running_statistics():
    model, x, y = wide()
    one_step(model, x, y, torch.full((6,), 0.01), WARM)
    assert running_updates(model) == 1 + 10 + 1
    one_step(model, x, y, torch.full((6,), 0.01), LATER)
    assert running_updates(model) == 12 + 1 + 2 * 11 + 10 + 1


@pytest.mark.slow
def test_under_batch_norm_every_pass_sees_the_whole_batch():
    model, x, y = wide()
    seen, _ = one_step(model, x, y, torch.full((6,), 0.01))
    assert {len(given) for given in seen.inputs} == {6}
    assert all(seen.training)


def test_a_run_too_short_to_warm_up_starts_with_the_radius_of_the_warm_up():
    x = torch.zeros(3, 1, 8, 8)
    assert StepContext(info(x, epochs=5), 0, seeded()).at(10, of=110)
    assert IAAT().begin(info(x))["margin"].tolist() == pytest.approx([8 / 255] * 3)


def test_a_weight_above_1_is_refused():
    with pytest.raises(UserError, match="beta is 2"):
        IAAT(beta=2.0)
