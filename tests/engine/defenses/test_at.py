"""AT: PGD in train mode, cross-entropy of its last iterate."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from defenses import observed, plain_at

from smd.defenses.at import AT


@pytest.mark.slow
def test_iterates_loss_and_gradients_equal_the_formulas(trained):
    model, x, y = observed.some(trained)
    seen = observed.stepped(AT(), model, x, y)
    starts = (x + 8 / 255 * plain_at.noise(x, observed.seeded())).clamp(0, 1)
    expected = plain_at.paths(
        model, x, starts, 8 / 255, 2 / 255, 20, [plain_at.xent(int(label)) for label in y]
    )
    assert len(seen.inputs) == len(expected) == 21
    for ours, theirs in zip(seen.inputs, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)
    loss = plain_at.at_loss(model, expected[-1], y)
    assert seen.means() == {
        "loss": pytest.approx(loss.item(), rel=1e-5),
        "loss_noisy": pytest.approx(loss.item(), rel=1e-5),
    }
    assert observed.gradients_are_of(loss, model, seen.gradients)


def test_there_is_no_clean_term_and_the_clean_images_are_never_shown(trained):
    model, x, y = observed.some(trained)
    seen = observed.stepped(AT(), model, x, y)
    assert seen.result.clean_ok is None
    assert not any(torch.equal(shown, x) for shown in seen.inputs)


def test_still_right_is_told_of_the_last_iterate(trained):
    model, x, y = observed.some(trained, 60)
    seen = observed.stepped(AT(32 / 255), model, x, y)
    assert torch.equal(seen.result.adv_ok, model(seen.inputs[-1]).argmax(1) == y)
    assert 0 < int(seen.result.adv_ok.sum()) < 57


def test_the_step_is_two_pixel_steps_at_every_noise_level(trained):
    model, x, y = observed.some(trained)
    for level in (4, 8, 12):
        inputs = observed.stepped(AT(level / 255, steps=3), model, x, y).inputs
        assert len(inputs) == 4
        moves = [float((b - a).abs().max()) for a, b in itertools.pairwise(inputs)]
        assert moves == pytest.approx([2 / 255] * 3)
        assert max(float((shown - x).abs().max()) for shown in inputs) <= level / 255 + 1e-9


def test_the_start_is_clipped_to_the_range_of_pixels_before_the_first_step(trained):
    model, x, y = observed.some(trained)
    start = observed.stepped(AT(32 / 255), model, x, y).inputs[0]
    assert float(start.min()) == 0
    assert float(start.max()) == 1


def test_the_attack_runs_in_train_mode_and_moves_running_statistics():
    """Four attack passes, none for looking at the last iterate, and the loss's own."""
    model, x, y = observed.wide()
    seen = observed.stepped(AT(steps=4), model, x, y)
    assert all(seen.training)
    assert observed.running_updates(model) == 5


def test_attack_passes_leave_no_gradient_in_the_parameters():
    model, x, y = observed.wide()
    seen = observed.stepped(AT(steps=2), model, x, y)
    assert observed.gradients_are_of(
        F.cross_entropy(model(seen.inputs[-1]), y), model, seen.gradients
    )
