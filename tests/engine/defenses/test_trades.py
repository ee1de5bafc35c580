"""TRADES: the divergence is climbed in eval mode and descended in train mode."""

import pytest
import torch
import torch.nn.functional as F
from defenses import observed, plain_at

from smd.defenses.common import trades_step
from smd.defenses.trades import TRADES, divergence


def expected_path(model, x, eps=8 / 255, length=0.007):
    starts = x + 0.001 * torch.randn(x.shape, generator=observed.seeded(), dtype=x.dtype)
    with torch.no_grad():
        clean = [model(image[None])[0] for image in x]
    return plain_at.paths(
        model, x, starts, eps, length, 10, [lambda z, c=c: plain_at.kl(c, z) for c in clean]
    )


@pytest.mark.parametrize("beta", [1.0, 6.0])
def test_iterates_loss_and_gradients_equal_the_formulas(trained, beta):
    model, x, y = observed.some(trained)
    seen = observed.stepped(TRADES(beta), model, x, y)
    expected = expected_path(model, x)
    attacked = seen.attacked()
    assert torch.equal(attacked[0], x)
    for ours, theirs in zip(attacked[1:], expected[:-1], strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)
    assert torch.allclose(seen.inputs[-1], expected[-1], atol=1e-6)
    loss = plain_at.trades_loss(model, x, expected[-1], y, beta)
    natural = F.cross_entropy(model(x), y)
    assert seen.means()["loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert seen.means()["loss_clean"] == pytest.approx(natural.item(), rel=1e-5)
    assert seen.means()["loss_noisy"] == pytest.approx(
        plain_at.at_loss(model, expected[-1], y).item(), rel=1e-5
    )
    assert observed.gradients_are_of(loss, model, seen.gradients)


def test_the_gradient_passes_through_both_arguments_of_the_divergence(trained):
    model, x, y = observed.some(trained)
    seen = observed.stepped(TRADES(), model, x, y)
    clean, noisy = model(x), model(seen.inputs[-1])
    one_sided = F.cross_entropy(clean, y) + 6 * divergence(clean.detach(), noisy).mean()
    assert not observed.gradients_are_of(one_sided, model, seen.gradients)


def test_the_start_is_a_little_off_the_clean_image_and_not_clipped(trained):
    """At the clean image itself the divergence is flat."""
    model, x, y = observed.some(trained)
    start = observed.stepped(TRADES(), model, x, y).attacked()[1]
    assert float(start.min()) < 0
    assert float(start.max()) > 1
    assert 0.0009 < float((start - x).std()) < 0.0011


def test_labels_play_no_part_in_the_attack(trained):
    model, x, y = observed.some(trained)
    one, other = (observed.stepped(TRADES(), model, x, labels) for labels in (y, (y + 1) % 10))
    assert torch.equal(one.inputs[-1], other.inputs[-1])


@pytest.mark.parametrize("level", [4, 8, 16, 24])
def test_ten_steps_reach_every_noise_level_that_the_paper_trains_with(level):
    assert 10 * trades_step(level / 255) > 1.5 * level / 255


def test_the_step_is_the_published_one_at_the_published_level_and_a_quarter_elsewhere():
    assert trades_step(8 / 255) == trades_step(0.031) == 0.007
    assert trades_step(16 / 255) == 4 / 255
    assert trades_step(24 / 255) == 6 / 255


def test_images_stay_in_the_ball_of_a_larger_level(trained):
    model, x, y = observed.some(trained)
    noise = observed.stepped(TRADES(eps=24 / 255), model, x, y).inputs[-1] - x
    assert float(noise.abs().max()) == pytest.approx(24 / 255)


def test_running_statistics_move_by_two_clean_passes_and_a_noisy_one_and_by_no_attack():
    model, x, y = observed.wide()
    seen = observed.stepped(TRADES(), model, x, y)
    assert seen.training == [False] * 11 + [True] * 3
    assert torch.equal(seen.inputs[-1], x)
    assert torch.equal(seen.inputs[-3], x)
    assert not torch.equal(seen.inputs[-2], x)
    assert observed.running_updates(model) == 3
    assert model.training


def test_under_batch_norm_the_gradients_are_those_of_train_mode():
    model, x, y = observed.wide()
    seen = observed.stepped(TRADES(), model, x, y)
    clean, noisy = model(x), model(seen.inputs[-2])
    loss = F.cross_entropy(clean, y) + 6 * divergence(model(x), noisy).mean()
    assert observed.gradients_are_of(loss, model, seen.gradients)


def test_what_is_wrong_when_clean_does_not_count_as_withstanding(trained):
    model, x, y = observed.some(trained, 60)
    result = observed.stepped(TRADES(eps=32 / 255), model, x, y).result
    assert torch.equal(result.clean_ok, model(x).argmax(1) == y)
    assert not result.adv_ok[~result.clean_ok].any()
    assert 0 < int(result.adv_ok.sum()) < int(result.clean_ok.sum())
