"""Customized-AT's step against the plain transcription, and each of its peculiarities."""

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
from defenses.plain_margin import customized_at

from smd.defenses.customized_at import CustomizedAT, softened


@pytest.fixture
def mixed(trained):
    """The least certain samples of all, some of which break before their labels are all softness.

    Logits are scaled up, so that some of their margins are beyond the hinge's and others are not.
    """
    model, x, y = trained
    with torch.no_grad():
        order = model(x).softmax(1).amax(1).argsort()
    model, x, y = mixed_batch((model, x[order], y[order]))
    model.head.weight.data *= 5
    return model, x, y


def one_step(model, x, y, margins, **knobs):
    seen = stepped(CustomizedAT(**knobs), model, x, y, margins)
    return seen, seen.margins


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["paper", "code"])
@pytest.mark.parametrize("loss", ["xent", "mix"])
def test_radii_images_loss_and_gradients_equal_the_plain_ones(mixed, variant, loss):
    model, x, y = mixed
    stored = torch.linspace(0, 0.09, len(x)).double()
    seen, new = one_step(model, x, y, stored, eps=0.08, variant=variant, loss=loss)
    expected, radii, images = customized_at(
        model, x, y, stored, 0.08, variant == "code", loss == "mix", seeded()
    )
    assert torch.allclose(new, radii, atol=1e-6)
    assert torch.allclose(seen.inputs[-1], images, atol=1e-6)
    assert 3 < int(seen.result.adv_ok.sum()) < 22
    assert seen.mean("loss") == pytest.approx(float(expected.detach()), rel=1e-5)
    assert_gradients_of(expected, model, seen.gradients)


def test_a_radius_grows_by_eta_where_it_is_withstood_and_stays_where_not(mixed):
    model, x, y = mixed
    stored = torch.full((len(x),), 0.05).double()
    seen, new = one_step(model, x, y, stored, eps=0.5)
    held = seen.result.adv_ok
    assert new[held].tolist() == pytest.approx([0.055] * int(held.sum()))
    assert torch.equal(new[~held], stored[~held])
    assert held.any()
    assert not held[:24].all()


def test_radii_start_at_0_and_stop_at_the_cap(mixed):
    model, x, y = mixed
    assert not CustomizedAT().begin(info(x))["margin"].any()
    _, new = one_step(model, x, y, torch.full((len(x),), 8 / 255))
    assert new.max() == pytest.approx(8 / 255)


def test_the_codes_variant_trains_on_the_clean_image_where_the_attack_succeeds(mixed):
    model, x, y = mixed
    seen, new = one_step(model, x, y, torch.full((len(x),), 0.05), eps=0.5, variant="code")
    held = seen.result.adv_ok
    assert torch.equal(seen.inputs[-1][~held], x[~held])
    assert not new[~held].any()
    assert (new[held] > 0.05).all()
    assert held.any()
    assert not held[:24].all()


def test_the_papers_variant_trains_on_the_image_that_its_attack_broke(mixed):
    model, x, y = mixed
    seen, _ = one_step(model, x, y, torch.full((len(x),), 0.15), eps=0.5)
    distance = (seen.inputs[-1] - x).abs().amax((1, 2, 3))
    assert distance.tolist() == pytest.approx([0.155] * len(x), abs=1e-6)


def test_every_step_of_the_attack_goes_on_from_the_last_iterate(mixed):
    """A loop that starts anew from the clean image would get no farther than a fifth of the
    radius."""
    model, x, y = mixed
    seen, _ = one_step(model, x, y, torch.full((len(x),), 0.095), eps=0.5)
    path = seen.inputs[1:-1]
    assert torch.equal(path[0], x)
    farthest = [float((point - x).abs().max()) for point in path]
    assert farthest[:6] == pytest.approx([0, 0.02, 0.04, 0.06, 0.08, 0.1], abs=1e-6)
    assert len(path) == 11


def test_labels_are_certain_at_radius_0_and_share_at_most_everything():
    y = torch.tensor([3, 1, 2])
    labels = softened(y, torch.tensor([0.0, 0.02, 0.7]), 5, seeded())
    assert torch.equal(labels[0], torch.tensor([0.0, 0.0, 0.0, 1.0, 0.0]))
    assert 0.8 <= float(labels[1, 1]) < 1
    assert torch.allclose(labels.sum(1), torch.ones(3))
    assert (labels >= 0).all()


def test_uncertain_shares_are_spread_evenly_over_all_mixtures():
    """Of Dirichlet(1, ..., 1) every entry has mean 1/K and variance (K - 1) / (K^2 (K + 1))."""
    drawn = softened(torch.zeros(20_000, dtype=torch.long), torch.full((20_000,), 0.1), 4, seeded())
    assert drawn.mean(0).tolist() == pytest.approx([0.25] * 4, abs=0.01)
    assert drawn.var(0).tolist() == pytest.approx([3 / 80] * 4, abs=0.002)


def test_clean_images_are_classified_by_the_attacks_own_first_pass(mixed):
    model, x, y = mixed
    seen, _ = one_step(model, x, y, torch.full((len(x),), 0.01))
    assert torch.equal(seen.result.clean_ok, torch.arange(len(x)) < 24)
    assert sum(len(given) == len(x) for given in seen.inputs) == 12


def test_the_attack_runs_in_eval_mode_and_leaves_running_statistics_alone():
    model, x, y = wide()
    seen, _ = one_step(model, x, y, torch.full((6,), 0.01))
    assert running_updates(model) == 1
    assert seen.training == [False] * 12 + [True]
    assert model.training
