"""Judging: a network with a known margin, attacks that cheat, and a contract for every attack."""

from dataclasses import dataclass

import pytest
import torch
from test_epgd import Linear

from smd import attacks, evaluate, registry
from smd.attacks.ce_pgd import CePgd
from smd.data.batches import OnDevice


@dataclass(frozen=True)
class Cheat:
    """Steps out of the ball, or out of [0, 1]."""

    far: float

    def perturb(self, model, x, y, eps, norm, generator):
        return x + self.far


def as_set(x, y):
    return OnDevice((255 * x).round().to(torch.uint8), y)


@pytest.fixture
def known():
    """A linear network, images around mid-gray, and each one's true margin."""
    model = Linear(16)
    x = 0.5 + 0.3 * (torch.rand(200, 1, 4, 4, generator=torch.Generator().manual_seed(5)) - 0.5)
    data = as_set(x, torch.zeros(200, dtype=torch.long))
    exact = data.take(torch.arange(200)).x
    return model, OnDevice(data.pixels, model(exact).argmax(1)), model.margin(exact)


@pytest.mark.parametrize("eps", [0.002, 0.01, 0.03, 0.06, 0.1])
def test_ce_pgd_reaches_the_closed_form_robust_accuracy(known, eps):
    model, data, margin = known
    verdict = evaluate.judge(model, data, torch.arange(200), CePgd(20), eps, 0, 64)
    clear = (margin - eps).abs() > 1e-5
    assert torch.equal(torch.from_numpy(verdict.ok)[clear], (margin > eps)[clear])
    assert verdict.distance.max() <= eps + 1e-6


@pytest.mark.parametrize(("far", "reason"), [(0.2, "ball"), (float("nan"), "ball")])
def test_an_attack_that_leaves_the_ball_is_an_error_not_a_result(known, far, reason):
    model, data, _ = known
    with pytest.raises(RuntimeError, match=reason):
        evaluate.judge(model, data, torch.arange(10), Cheat(far), 0.1, 0, 64)


def test_an_attack_that_leaves_the_pixels_range_is_an_error():
    data = as_set(torch.ones(4, 1, 4, 4), torch.zeros(4, dtype=torch.long))
    with pytest.raises(RuntimeError, match="range"):
        evaluate.judge(Linear(16), data, torch.arange(4), Cheat(0.05), 0.1, 0, 64)


def test_a_clean_error_counts_as_broken_at_every_level(known):
    model, data, _ = known
    wrong = OnDevice(data.pixels, 1 - data.labels)
    for eps in (0.0, 0.05):
        assert not evaluate.judge(model, wrong, torch.arange(200), CePgd(5), eps, 0, 64).ok.any()


def test_the_network_is_judged_in_eval_mode(known):
    model, data, _ = known
    model.train()
    evaluate.judge(model, data, torch.arange(5), CePgd(1), 0.05, 0, 64)
    assert not model.training


def test_kept_images_are_those_that_were_judged(known):
    model, data, _ = known
    ids = torch.tensor([9, 4, 150])
    verdict = evaluate.judge(model, data, ids, CePgd(5), 0.05, 0, 2)
    assert verdict.images.noise.shape == (3, 1, 4, 4)
    again = data.take(ids).x + torch.from_numpy(verdict.images.noise).float()
    with torch.no_grad():
        p = model(again).softmax(1)
    assert torch.allclose(p, torch.from_numpy(verdict.images.p_adv).float(), atol=2e-2)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", registry.ATTACKS)
def test_every_attack_stays_in_its_ball_and_depends_on_the_seed_alone(trained, name, norm):
    from smd import lp

    model, x, y = trained
    attack = attacks.build(name, {"steps": 5})
    one, two, other = (
        attack.perturb(model, x[:8], y[:8], 0.1, norm, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert (lp.length(one - x[:8], norm) <= 0.1 + 1e-6).all()
    assert one.min() >= 0
    assert one.max() <= 1
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
