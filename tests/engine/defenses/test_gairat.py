"""GAIRAT: the step against the plain transcription, and each of its decisions."""

import copy
import math

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

from smd.defenses.fat import stride
from smd.defenses.gairat import GAIRAT, shift, weights


@pytest.mark.slow
@pytest.mark.parametrize("epoch, expected_shift", [(0, math.inf), (59, -1.0), (119, -1.0)])
@pytest.mark.parametrize("eps, at_least", [(8 / 255, 2), (32 / 255, 5)])
def test_kappas_weights_loss_and_gradients_equal_the_plain_ones(
    trained, eps, at_least, epoch, expected_shift
):
    model, x, y = doubled(trained)
    result, state, seen = step(GAIRAT(eps), model, x, y, epoch)
    other = copy.deepcopy(model)
    start = plain.uniform_start(x, eps, torch.Generator().manual_seed(SEED))
    found = [
        plain.gairat_image(other, x[i], y[i], start[i], eps, stride(eps)) for i in range(len(x))
    ]
    images, kappas = torch.stack([image for image, _ in found]), [kappa for _, kappa in found]
    expected = plain.gairat_weights(kappas, expected_shift)
    loss, ok = plain.trained_on(other, images, y, expected)
    assert torch.allclose(seen[-1], images, atol=1e-5)
    assert state["kappa"].tolist() == kappas
    assert len(set(kappas)) >= at_least
    assert weights(state["kappa"], expected_shift).tolist() == pytest.approx(expected, rel=1e-5)
    assert loss_of(result) == pytest.approx(loss, rel=1e-5)
    assert result.clean_ok is None
    assert result.adv_ok.tolist() == ok
    assert same_gradients(model, other)


def test_kappa_counts_all_right_iterates_not_those_before_the_first_wrong_one():
    x, y = grey()
    _, state, _ = step(GAIRAT(), Scripted("RRWRRRWRRRW"), x, y)
    assert state["kappa"].tolist() == [8]


def test_kappa_counts_the_random_start():
    x, y = grey()
    _, state, _ = step(GAIRAT(), Scripted("R" + "W" * 10), x, y)
    assert state["kappa"].tolist() == [1]


def test_kappa_does_not_count_the_last_iterate_which_is_the_training_image():
    x, y = grey()
    model = Scripted("W" * 10 + "R")
    result, state, _ = step(GAIRAT(), model, x, y)
    assert state["kappa"].tolist() == [0]
    assert result.adv_ok.tolist() == [True]
    assert model.calls == 11


def test_weights_are_the_published_ones_up_to_their_mean():
    raw = weights(torch.arange(11.0), -1.0)
    expected = torch.tensor([1.0, 0.998, 0.982, 0.881, 0.5, 0.119, 0.018])
    assert torch.allclose(raw[:7] / raw[0], expected, atol=1e-3)
    assert float(raw[10] / raw[0]) == pytest.approx(6.144e-6, rel=1e-2)
    assert float(raw.mean()) == pytest.approx(1)


def test_weights_of_a_batch_of_robust_samples_alone_are_finite_and_1():
    assert weights(torch.full((7,), 10.0), -1.0).tolist() == pytest.approx([1] * 7)


def test_weights_of_the_most_robust_samples_keep_their_ratio():
    """(1 + tanh(-6)) / (1 + tanh(-5)), whose digits float32 would lose."""
    nine, ten = weights(torch.tensor([9.0, 10.0]), -1.0).tolist()
    assert ten / nine == pytest.approx((1 + math.tanh(-6)) / (1 + math.tanh(-5)), rel=1e-5)


def test_weights_are_all_1_before_epoch_60_of_120_counted_from_1():
    assert [shift(context(epoch, 120, 1)) for epoch in (0, 58, 59, 119)] == [
        math.inf,
        math.inf,
        -1,
        -1,
    ]
    assert weights(torch.tensor([0.0, 4, 10]), math.inf).tolist() == [1, 1, 1]


def test_the_switch_scales_with_the_runs_length():
    assert [shift(context(epoch, 12, 1)) for epoch in (5, 6)] == [math.inf, -1]


def test_the_attack_uses_running_statistics_and_leaves_them_alone():
    model, x, y = wide()
    step(GAIRAT(), model, x, y, epoch=119)
    assert running_updates(model) == {1}  # the training pass
    assert model.training
