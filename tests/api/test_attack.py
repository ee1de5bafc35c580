"""`smd.attack`: the verdicts of an evaluation and of a job, and nothing of the caller's changed."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import smd
from smd import attacks
from smd.core import lp
from smd.data.batches import OnDevice
from smd.evaluation.evaluate import Target, Task, evaluate_level

EPS, N = 16 / 255, 64


@pytest.fixture(scope="module")
def given(digits):
    """96 digits, as floats, of which the network has seen some."""
    return digits[0][-N:], digits[1][-N:]


@pytest.fixture(scope="module")
def result(trained, given):
    return smd.attack(
        trained, *given, "ce-pgd", eps=EPS, steps=10, seeds=(0, 1), batch_size=32, keep_images=True
    )


def evaluated(model, x, y, name, seed, size=32, **settings):
    """The same by smd.evaluation, on uint8 pixels as a job has them."""
    rows = OnDevice((x * 255).round().to(torch.uint8), y)
    plan = attacks.build(name, settings).plan(10)
    task = Task(torch.arange(len(x)), plan, EPS, seed, size)
    return evaluate_level(Target(model, rows), task)


def test_the_verdicts_are_those_of_an_evaluation(trained, given, result):
    for k, seed in enumerate((0, 1)):
        verdict = evaluated(trained, *given, "ce-pgd", seed, steps=10)
        assert (result.robust_by_seed[k].numpy() == verdict.ok).all()
        assert (result.predicted[k].numpy() == verdict.pred).all()
        assert (result.distance[k].numpy() == verdict.distance).all()
    assert 0 < result.accuracy < result.clean_accuracy  # the test would pass on nothing otherwise


@pytest.mark.slow
def test_autoattack_with_two_seeds_is_two_evaluations(trained, given, monkeypatch):
    monkeypatch.setattr("smd.attacks.autoattack.QUERIES", 20)
    monkeypatch.setattr("smd.attacks.autoattack.STEPS", 5)
    x, y = given[0][:16], given[1][:16]
    found = smd.attack(trained, x, y, eps=EPS, seeds=(0, 1), batch_size=8)
    for k, seed in enumerate((0, 1)):
        verdict = evaluated(trained, x, y, "autoattack", seed, size=8)
        assert (found.robust_by_seed[k].numpy() == verdict.ok).all()
    assert set(found.stage) <= {"", "clean", "apgd-ce", "apgd-t", "fab-t", "square"}
    assert found.attack == "autoattack"
    assert all(text.endswith(".") for text in found.flags.values())


def test_the_numbers_fit_together(given, result):
    assert result.n == N
    assert torch.equal(result.robust, result.robust_by_seed[0] & result.robust_by_seed[1])
    low, high = result.interval
    assert 0 <= low < result.accuracy < high <= 1
    stages = np.array(result.stage)
    assert ((stages == "") == result.robust.numpy()).all()
    assert (stages == "clean").mean() == pytest.approx(1 - result.clean_accuracy)
    table = result.to_frame()
    assert len(table) == 2 * N
    assert table["ok"].mean() == pytest.approx(result.accuracy)
    assert (table["ok"] == (table["broken_by"] == "")).all()
    assert "% of 64 images" in repr(result)


def test_the_images_are_in_the_ball_and_fool_the_network(trained, given, result):
    x, y = given
    assert (lp.length(result.adversarial - x, "Linf") <= EPS + 1e-6).all()
    moved = (result.adversarial != x).flatten(1).any(1)
    assert moved.any()
    assert not (moved & result.robust).any()
    with torch.no_grad():
        assert (trained(result.adversarial[moved]).argmax(1) != y[moved]).all()


def test_images_that_were_not_kept_are_refused(trained, given):
    found = smd.attack(trained, given[0][:4], given[1][:4], "ce-pgd", eps=EPS, steps=1)
    with pytest.raises(smd.UserError, match="keep_images=True"):
        _ = found.adversarial


class Half(nn.Module):
    """A network in train mode, of which one part is in eval mode and one weight is frozen."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1d(10))
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        return self.dropout(self.body(x))


def test_network_and_images_are_as_they_were(given):
    torch.manual_seed(0)
    model = Half().train()
    model.dropout.eval()
    model.body[1].bias.requires_grad_(False)
    model.body[1].weight.grad = torch.ones(10, 64)
    before, x, y = copy.deepcopy(model.state_dict()), given[0].clone(), given[1].clone()
    generator = torch.get_rng_state()
    smd.attack(model, x, y, "ce-pgd", eps=EPS, steps=2)
    smd.estimate_margins(model, x[:8], y[:8], "pgd")
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert model.training and model.body[2].training and not model.dropout.training
    assert model.body[1].weight.requires_grad and not model.body[1].bias.requires_grad
    assert (model.body[1].weight.grad == 1).all()
    assert torch.equal(x, given[0]) and torch.equal(y, given[1])
    assert torch.equal(generator, torch.get_rng_state())


@pytest.mark.parametrize("with_ids", [False, True])
def test_a_loader_is_taken_for_its_images(trained, given, result, with_ids):
    data = TensorDataset(*given)
    loader = DataLoader(smd.WithIds(data) if with_ids else data, batch_size=10)
    found = smd.attack(trained, loader, attack="ce-pgd", eps=EPS, steps=10, batch_size=32)
    assert torch.equal(found.robust_by_seed[0], result.robust_by_seed[0])


def test_a_network_that_answers_at_random_is_told(given):
    class Random(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :10] + torch.rand(len(x), 10) * 10

    x = given[0][:8]
    y = torch.zeros(8, dtype=torch.long)
    found = smd.attack(Random(), x, y, eps=EPS, batch_size=8)
    assert "randomized" in found.flags


REFUSED = {
    "attack": (lambda m, x, y: smd.attack(m, x, y, "fgsm", eps=EPS), "no attack 'fgsm'"),
    "eps": (lambda m, x, y: smd.attack(m, x, y, eps=8), r"outside \(0, 1\]"),
    "setting": (lambda m, x, y: smd.attack(m, x, y, "ce-pgd", eps=EPS, stepz=3), "'stepz'"),
    "norm": (lambda m, x, y: smd.attack(m, x, y, eps=EPS, norm="L1"), "L1"),
    "no seeds": (lambda m, x, y: smd.attack(m, x, y, eps=EPS, seeds=()), "no seeds"),
    "no labels": (lambda m, x, y: smd.attack(m, x, eps=EPS), "There are no labels"),
    "labels": (lambda m, x, y: smd.attack(m, x, y + 5, "ce-pgd", eps=EPS), "10 classes"),
    "few labels": (lambda m, x, y: smd.attack(m, x, y[:3], "ce-pgd", eps=EPS), "give one each"),
    "range": (lambda m, x, y: smd.attack(m, x * 255, y, "ce-pgd", eps=EPS), r"in \[0, 1\]"),
    "device": (lambda m, x, y: smd.attack(m, x, y, eps=EPS, device="cuda:7"), "cuda:7"),
    "logits": (lambda m, x, y: smd.attack(nn.Identity(), x, y, eps=EPS), "must give logits"),
    "empty": (lambda m, x, y: smd.attack(m, [], eps=EPS), "loader is empty"),
    "not pairs": (lambda m, x, y: smd.attack(m, [x], eps=EPS), "images and labels"),
    "method": (lambda m, x, y: smd.estimate_margins(m, x, y, "best"), "no method 'best'"),
    "batch": (lambda m, x, y: smd.estimate_margins(m, x, y, batch_size=0), "Batch size|batch"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused_in_a_sentence(what, trained, given):
    call, sentence = REFUSED[what]
    with pytest.raises(smd.UserError, match=sentence):
        call(trained, *given)


def test_what_makes_verdicts_doubtful_is_told(trained, given, result):
    """Cautions on the network, beside the attack's own flags."""
    assert result.cautions == ()
    x, y = given[0][:8], given[1][:8]
    model = nn.Sequential(copy.deepcopy(trained), nn.Softmax(1)).train()
    told = smd.attack(model, x, y, "ce-pgd", eps=EPS, steps=1)
    (caution,) = told.cautions
    assert "answers with probabilities" in caution
    assert "cautions: 1" in repr(told)
    assert all(module.training for module in model.modules())
