"""Worst scores: against the closed form of a linear network, and what must hold of any."""

import numpy as np
import pytest
import torch
from torch import nn

from smd.config.schema import score_passes
from smd.core import ascent, losses
from smd.data.batches import OnDevice
from smd.errors import UserError
from smd.evaluation import scores

EPS = 8 / 255
N = 12


def linear(classes):
    """A linear network and images that stay inside [0, 1] within EPS."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, classes))
    pixels = torch.randint(60, 190, (N, 1, 3, 3), dtype=torch.uint8)
    return model, OnDevice(pixels, torch.arange(N) % classes)


def found(model, data, eps=EPS, norm="Linf", steps=25, seed=0, size=5):
    return scores.worst_scores(model, data, torch.arange(N), eps, norm, steps, seed, size)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_two_classes_of_a_linear_network_have_the_closed_forms_worst(norm):
    model, data = linear(2)
    clean, worst = found(model, data, 0.0), found(model, data, EPS, norm)
    weight = (model[1].weight[1] - model[1].weight[0]).detach()
    reach = EPS * float(weight.abs().sum() if norm == "Linf" else weight.norm())
    own = np.arange(2) == data.labels.numpy()[:, None]
    assert worst == pytest.approx(np.where(own, clean - reach, clean + reach), abs=2e-5)


def test_clean_scores_are_log_odds_and_make_the_softmax_again():
    model, data = linear(3)
    logits = model(data.take(torch.arange(N)).x).detach()
    probabilities = torch.sigmoid(torch.from_numpy(found(model, data, 0.0)))
    assert probabilities.numpy() == pytest.approx(logits.softmax(1).numpy(), abs=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_search_takes_as_many_passes_as_it_is_said_to(classes):
    model, data = linear(classes)
    seen = []
    model.register_forward_hook(lambda _, inputs, logits: seen.append(len(inputs[0])))
    found(model, data, steps=7)
    assert sum(seen) == N * (score_passes(classes, 7) + 1)  # and one of the clean images


def test_every_class_is_searched_and_none_is_better_than_clean():
    model, data = linear(3)
    clean, worst = found(model, data, 0.0), found(model, data)
    own = np.arange(3) == data.labels.numpy()[:, None]
    assert (worst[own] < clean[own]).all()
    assert (worst[~own] > clean[~own]).all()
    assert (scores.worse(worst, clean, data.labels.numpy()) == worst).all()
    # a score within reach of single pixels: every corner of the ball is no worse
    corners = torch.cartesian_prod(*[torch.tensor([-EPS, EPS])] * 9).view(-1, 1, 3, 3)
    x = data.take(torch.tensor([0])).x
    odds = scores.log_odds(model(x + corners).detach())
    best = torch.stack([odds[:, 0].min(), odds[:, 1].max(), odds[:, 2].max()])
    assert worst[0] == pytest.approx(best.numpy(), abs=1e-3)


def test_the_same_seed_finds_the_same_and_images_do_not_leave_the_box():
    model, data = linear(2)
    data.pixels[:] = 0  # noise can only add
    assert (found(model, data) == found(model, data)).all()
    weight = (model[1].weight[1] - model[1].weight[0]).detach()
    rise = EPS * float(weight.clamp_min(0).sum())
    clean, worst = found(model, data, 0.0), found(model, data)
    assert worst[0, 1] == pytest.approx(clean[0, 1] + rise, abs=2e-5)


def test_an_ascent_keeps_the_best_that_it_met():
    """A narrow peak: long steps jump over it, so the last iterate is no measure."""

    class Peak(nn.Module):
        def forward(self, x):
            far = (x.flatten(1) - 0.53).abs().sum(1)
            return torch.stack([far, torch.zeros_like(far)], 1)  # slm of class 0 is -far

    x = torch.full((1, 1, 1, 1), 0.5)
    y = torch.zeros(1, dtype=torch.long)
    values = [
        float(ascent.highest(Peak(), losses.slm, x, y, 0.1, steps, "Linf", x))
        for steps in (1, 10, 60)
    ]
    assert values[0] <= values[1] <= values[2]
    assert values[0] >= -0.03 - 1e-6  # the start counts
    assert values[2] > -0.002


def test_looks_come_ever_sooner_and_end_with_the_search():
    looks = sorted(ascent.looks_at(100))
    gaps = np.diff([0, *looks])
    assert looks[0] == 22
    assert (np.diff(gaps) <= 1).all()
    assert looks[-2] < 100 <= looks[-1]


def test_a_network_whose_answers_are_no_numbers_has_no_scores():
    model, data = linear(2)
    with torch.no_grad():
        model[1].bias[0] = float("nan")
    with pytest.raises(UserError, match="no finite numbers"):
        found(model, data, 0.0)


def test_batches_do_not_change_clean_scores_and_progress_is_told():
    model, data = linear(2)
    told = []
    whole = scores.worst_scores(
        model, data, torch.arange(N), 0.0, "Linf", 1, 0, 5, after_batch=told.append
    )
    assert told == [5, 10, 12]
    assert whole == pytest.approx(found(model, data, 0.0, size=N), abs=1e-6)
