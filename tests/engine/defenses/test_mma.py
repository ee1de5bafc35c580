"""MMA's step against the plain transcription, and each of its peculiarities."""

import copy

import pytest
import torch
import torch.nn.functional as F
from defenses.margin_steps import (
    assert_gradients_of,
    info,
    mixed_batch,
    running_updates,
    seeded,
    stepped,
    wide,
)
from defenses.plain_margin import mma

from smd.defenses.mma import MMA


@pytest.fixture
def mixed(trained):
    return mixed_batch(trained)


def one_step(model, x, y, margins, dmax=0.1):
    seen = stepped(MMA(dmax), model, x, y, margins)
    return seen, seen.margins


@pytest.mark.slow
def test_margins_images_losses_and_gradients_equal_the_plain_ones(mixed):
    model, x, y = mixed
    stored = torch.linspace(0, 0.1, len(x))
    seen, new = one_step(model, x, y, stored)
    loss, clean, margins, held, images, counted = mma(model, x, y, stored, 0.1, seeded())
    assert torch.allclose(new, margins, atol=1e-6)
    assert torch.equal(seen.result.adv_ok, held)
    assert torch.allclose(seen.inputs[-1], images[counted], atol=1e-6)
    assert 3 < int(held.sum()) < 24
    assert 10 < int(counted.sum()) < 32
    assert seen.mean("loss") == pytest.approx(float(loss.detach()), rel=1e-5)
    assert seen.mean("loss_clean") == pytest.approx(float(clean.detach()), rel=1e-5)
    assert_gradients_of(loss, model, seen.gradients)


def test_correct_means_that_the_true_class_has_more_than_half_of_the_probability(mixed):
    """With logits this small no class has: all margins fall to 0, and the clean loss alone is
    left."""
    model, x, y = mixed
    model.head.weight.data *= 0.01
    model.head.bias.data *= 0.01
    seen, new = one_step(model, x, y, torch.full((len(x),), 0.05))
    assert int(seen.result.clean_ok.sum()) == 24
    assert not seen.result.adv_ok.any()
    assert not new.any()
    assert_gradients_of(F.cross_entropy(model(x), y), model, seen.gradients)


def test_images_misclassified_when_clean_store_0_and_restart_from_the_floor(mixed):
    model, x, y = mixed
    _, new = one_step(model, x, y, torch.full((len(x),), 0.05))
    assert not new[24:].any()
    assert int((new[:24] > 0).sum()) > 20
    _, from_zero = one_step(model, x, y, torch.zeros(len(x)))
    _, from_floor = one_step(model, x, y, torch.full((len(x),), 0.005))
    assert torch.equal(from_zero, from_floor)
    assert MMA().begin(info(x))["margin"].tolist() == pytest.approx([0.005] * len(x))


def test_images_whose_margin_reaches_dmax_add_their_clean_loss_only(mixed):
    model, x, y = mixed
    x, y = x[:10], y[:10]
    seen, new = one_step(model, x, y, torch.full((10,), 1e-4), dmax=1e-4)
    assert (new >= 1e-4).all()
    assert float(seen.result.means["loss_noisy"][1]) == 0
    assert_gradients_of(F.cross_entropy(model(x), y) / 3, model, seen.gradients)


def test_an_image_that_nothing_breaks_ends_a_1024th_before_the_cap(mixed):
    """Ten halvings from the floor towards 1.05 dmax; the last middle is what is stored."""
    model, x, y = mixed
    dmax = 6 / 255
    seen, new = one_step(model, x[:24], y[:24], torch.zeros(24), dmax)
    cap = 1.05 * dmax
    whole = torch.isclose(new, torch.tensor(cap - (cap - 0.005) / 1024).double(), atol=1e-7, rtol=0)
    assert int(whole.sum()) > 3
    assert not seen.result.crossed[whole].any()  # no boundary was found there
    assert torch.equal(seen.result.crossed[~whole], seen.result.clean_ok[~whole])
    assert (new <= cap).all()


def test_the_image_at_the_boundary_is_not_clipped_but_what_the_search_looks_at_is(mixed):
    model, x, y = mixed
    seen, _ = one_step(model, x[:24], y[:24], torch.full((24,), 0.02), dmax=0.4)
    assert float(seen.inputs[-1].min()) < -0.01
    assert all(float(looked.min()) >= 0 and float(looked.max()) <= 1 for looked in seen.inputs[:-1])


@pytest.mark.slow
def test_pgd_runs_in_eval_mode_and_the_search_in_train_mode_on_the_correct_images_alone():
    """Running statistics move with the clean pass, ten of the search and the mixed one."""
    model, x, _ = wide()
    model.head.weight.data *= 1e3
    with torch.no_grad():
        y = copy.deepcopy(model)(x).argmax(1)
    y[:2] = (y[:2] + 1) % 4
    seen, new = one_step(model, x, y, torch.full((6,), 0.01))
    assert seen.training == [True] + [False] * 10 + [True] * 11
    assert [len(given) for given in seen.inputs] == [6] + [4] * 20 + [6]
    assert running_updates(model) == 12
    assert model.training
    assert new[:2].tolist() == [0, 0]


def test_with_no_correct_image_the_clean_loss_is_left(mixed):
    model, x, y = mixed
    seen, new = one_step(model, x[24:], y[24:], torch.full((8,), 0.05))
    assert not new.any()
    assert_gradients_of(F.cross_entropy(model(x[24:]), y[24:]), model, seen.gradients)
