"""Estimating margins: a network whose margins are known, and what estimators owe each other on a
trained one."""

import numpy as np
import pytest
import torch
from test_epgd import Linear
from torch import nn

from smd import estimators, registry
from smd.core import lp
from smd.core.epgd import ROUNDS, epgd
from smd.core.margin import Rules
from smd.data.batches import OnDevice
from smd.errors import UserError
from smd.estimators import min_norm
from smd.estimators.explore import explore
from smd.estimators.measure import measure

FAR = 32 / 255
QUICK = {
    "pgd": {"eps": FAR},
    "gem": {"rounds": 8},
    "min-norm": {"steps": 30, "targets": 3},
    "fab": {"steps": 30, "targets": 3},
}

SEARCHES = [n for n, e in registry.ESTIMATORS.items() if not (e.certifying or e.smooths)]


def none():
    return torch.Generator().manual_seed(0)


def build(name, **params):
    return estimators.build(name, {**QUICK[name], **params})


@pytest.fixture
def known():
    """A linear network, images far inside [0, 1] and each one's true margin in both norms."""
    model = Linear(16)
    x = 0.5 + 0.2 * (torch.rand(64, 1, 4, 4, generator=torch.Generator().manual_seed(1)) - 0.5)
    score = (x.flatten(1) @ model.w - model.b).abs()
    return (
        model,
        x,
        model(x).argmax(1),
        {"Linf": score / model.w.abs().sum(), "L2": score / model.w.norm()},
    )


@pytest.fixture(scope="module")
def frozen_net(trained):
    model, x, y = trained
    model.eval()
    return model, x[:32], y[:32]


ABOVE = ("min-norm", "fab")  # end at a misclassified image, the others at the last correct point


# How far from the truth each may stop, as a share of what it explored: one bisection step.
@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize(
    ("name", "params", "explored"),
    [
        ("pgd", {"eps": 0.2}, lambda true: 0.2),
        ("gem", {"rounds": 60}, lambda true: 0.2),
        ("min-norm", {}, lambda true: 1.06 * true),
        ("fab", {}, lambda true: 1.06 * true),  # it steps over the boundary by a twentieth
    ],
)
def test_a_known_margin_is_found_to_a_bisection_step(known, name, params, explored, norm):
    model, x, y, true = known
    found = build(name, **params).estimate(model, x, y, norm, none())
    assert found.crossed.all()
    short = true[norm] - found.margin
    short = -short if name in ABOVE else short
    assert (short >= -1e-6).all()
    assert (short <= explored(true[norm]) / 2**ROUNDS + 1e-5).all()


def test_pgd_meets_no_boundary_beyond_its_noise_level(known):
    model, x, y, true = known
    eps = float(true["Linf"].median())
    found = build("pgd", eps=eps).estimate(model, x, y, "Linf", none())
    clear = (true["Linf"] - eps).abs() > 1e-5
    assert torch.equal(found.crossed[clear], (true["Linf"] < eps)[clear])
    assert torch.allclose(found.margin[~found.crossed], torch.tensor(eps))


def test_expansion_that_met_no_boundary_leaves_a_lower_bound(known):
    model, x, _, _ = known
    x = (0.5 + 0.3 * model.w.sign()).view(1, 1, 4, 4)  # its margin is 0.3
    found = estimators.build("gem", {"rounds": 100}).estimate(
        model, x, model(x).argmax(1), "Linf", none()
    )
    assert not found.crossed.any()
    assert 0.05 < found.margin.item() < 0.3


class Ring(nn.Module):
    """Wrong only at distances of 0.055 to 0.065: iterates pass the ring and are right again at the
    end."""

    def __init__(self, centre):
        super().__init__()
        self.centre = centre

    def forward(self, batch):
        far = (batch - self.centre).abs().amax((1, 2, 3))
        gate = ((far > 0.055) & (far < 0.065)).float() * 10
        pull = batch.flatten(1).sum(1) * 1e-3
        return torch.stack([1 - gate - pull, gate + pull - pull.detach() - 1], 1)


def test_an_iterate_that_crossed_and_came_back_is_searched_from_where_it_was_wrong():
    x, y = torch.full((1, 1, 4, 4), 0.5), torch.zeros(1, dtype=torch.long)
    model, radius = Ring(x), torch.tensor([0.1])
    found = explore(model, x, y, radius, "Linf")
    assert found.crossed.all()
    assert lp.length(found.x - x, "Linf").item() == pytest.approx(0.055, abs=0.1 / 2**ROUNDS)
    # to the letter: nothing wrong lies behind its point
    blind = epgd(model, x, y, radius, Rules(), none())
    assert lp.length(blind.x - x, "Linf").item() > 0.09


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_an_exploration_is_epgds_where_the_last_iterate_is_wrong(frozen_net, norm):
    model, x, y = frozen_net
    radius = torch.linspace(0.02, 0.2, len(x)) * (1 if norm == "Linf" else 8)
    one, two = (
        explore(model, x, y, radius, norm),
        epgd(model, x, y, radius, Rules(norm=norm), none()),
    )
    assert torch.equal(one.crossed, two.crossed)
    assert 0 < one.crossed.sum() < len(x)
    assert torch.equal(one.x, two.x)


class Witness(nn.Module):
    """A network that remembers how near to each image it was ever wrong."""

    def __init__(self, model, x, y, norm):
        super().__init__()
        self.model, self.x, self.y, self.norm = model, x, y, norm
        self.nearest = torch.full((len(x),), torch.inf)

    def forward(self, batch):
        logits = self.model(batch)
        with torch.no_grad():
            rows = self.owner(batch)
            wrong = logits.argmax(1) != self.y[rows]
            length = torch.where(wrong, lp.length(batch - self.x[rows], self.norm), torch.inf)
            self.nearest.scatter_reduce_(0, rows, length, "amin")
        return logits

    def owner(self, batch):
        """Which image each of a batch was made from: the nearest."""
        return torch.cdist(batch.flatten(1), self.x.flatten(1)).argmin(1)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", SEARCHES)
def test_every_crossed_margin_has_a_witness_one_bisection_step_behind(frozen_net, name, norm):
    model, x, y = frozen_net
    x, y = x[:6], y[:6]
    witness = Witness(model, x, y, norm).eval()
    params = {"eps": FAR if norm == "Linf" else 1.5} if name == "pgd" else {}
    found = build(name, **params).estimate(witness, x, y, norm, none())
    assert found.crossed.any()
    # that anything was explored
    farthest = 0.0 if name in ABOVE else {"Linf": 0.25, "L2": 2.5}[norm]
    assert (witness.nearest <= found.margin + farthest / 2**ROUNDS + 1e-6)[found.crossed].all()


@pytest.mark.parametrize("name", SEARCHES)
def test_estimates_depend_on_the_seed_alone_and_leave_the_network_as_it_was(frozen_net, name):
    model, x, y = frozen_net
    params = {
        "gem": {"rounds": 4},
        "min-norm": {"steps": 5, "restarts": 2},
        "fab": {"steps": 5},
    }.get(name, {})
    free = [p.requires_grad for p in model.parameters()]
    gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    before = torch.get_rng_state()
    one, two = (
        build(name, **params).estimate(model, x[:8], y[:8], "Linf", none()) for _ in range(2)
    )
    assert torch.equal(one.margin, two.margin)
    assert torch.equal(torch.get_rng_state(), before)
    assert [p.requires_grad for p in model.parameters()] == free
    assert all(
        p.grad is g or torch.equal(p.grad, g)
        for p, g in zip(model.parameters(), gradients, strict=True)
    )
    assert one.margin.isfinite().all()
    assert (one.margin >= 0).all()


def test_a_larger_noise_level_overestimates_and_the_minimum_norm_is_the_smallest(frozen_net):
    model, x, y = frozen_net
    wide, narrow = (
        build("pgd", eps=eps).estimate(model, x, y, "Linf", none()) for eps in (64 / 255, FAR)
    )
    least = build("min-norm").estimate(model, x, y, "Linf", none())
    both = wide.crossed & narrow.crossed & least.crossed
    assert both.sum() >= 10
    assert wide.margin[both].median() > narrow.margin[both].median() >= least.margin[both].median()
    for found in (wide, narrow):
        gap = found.margin[both] - least.margin[both]
        assert gap.mean() >= -FAR / 2**ROUNDS


@pytest.mark.slow
def test_gradual_expansion_overestimates_less_than_pgd_from_afar(frozen_net):
    model, x, y = frozen_net
    wide = build("pgd", eps=64 / 255).estimate(model, x, y, "Linf", none())
    grown = build("gem", rounds=20).estimate(model, x, y, "Linf", none())
    both = wide.crossed & grown.crossed
    assert both.sum() >= 5
    assert grown.margin[both].mean() < wide.margin[both].mean()


@pytest.mark.slow
def test_targets_find_nearer_images_than_the_untargeted_run_alone(frozen_net):
    model, x, y = frozen_net
    alone, more = (
        build("min-norm", steps=20, targets=n).estimate(model, x, y, "Linf", none()).margin
        for n in (0, 9)
    )
    assert (more <= alone + 1e-3).all()
    assert more.mean() < alone.mean()


def test_two_classes_have_one_target(known):
    model, x, y, true = known
    found = build("min-norm", targets=9).estimate(model, x[:4], y[:4], "Linf", none())
    assert torch.allclose(found.margin, true["Linf"][:4], rtol=3e-3)


class Blind(nn.Module):
    """Answers the same whatever it sees."""

    def forward(self, x):
        return x.flatten(1)[:, :1] * 0 + torch.tensor([[1.0, 0.0, 0.0]])


@pytest.mark.parametrize("name", SEARCHES)
def test_a_network_without_a_boundary_leaves_every_margin_open(name):
    x, y = torch.rand(3, 1, 4, 4, generator=none()), torch.zeros(3, dtype=torch.long)
    found = build(name).estimate(Blind(), x, y, "Linf", none())
    assert not found.crossed.any()
    assert (found.margin == 0).all()  # the gradient is zero: no search could leave its image


class Standardised(nn.Module):
    """By a deviation that has no gradient where the image is flat, though its logits are finite."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        v = x.flatten(1)
        v = v - v.mean(1, keepdim=True)
        return self.last(v / ((v * v).mean(1, keepdim=True).sqrt() + 1e-3))


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_a_search_ends_where_a_gradient_is_no_number(norm, monkeypatch):
    x = torch.rand(4, 1, 4, 4, generator=none())
    x[0] = 0.5
    model, tries = Standardised().eval(), []
    y = model(x).argmax(1)
    attempt = min_norm.attempt

    def counted(*given):
        tries.append(len(given[2]))
        assert len(tries) < 100, "it does not end"
        return attempt(*given)

    monkeypatch.setattr(min_norm, "attempt", counted)
    estimator = build("min-norm", steps=10, targets=2)
    found = estimator.estimate(model, x, y, norm, none())
    assert found.crossed.tolist() == [False, True, True, True]
    assert found.margin[0] == 0
    alone = estimator.estimate(model, x[1:], y[1:], norm, none())
    assert (found.margin[1:] <= 1.01 * alone.margin).all()


class Hole(nn.Module):
    """Surer of class 0 the brighter the first pixel is, but it answers no numbers beyond 0.6."""

    def forward(self, x):
        v = x.flatten(1)
        logits = torch.stack([v[:, 0], v[:, 0] * 0 + 1], 1)
        return torch.where(v[:, :1] > 0.6, torch.nan, logits)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_logits_that_are_no_numbers_are_no_adversarial_example(norm):
    x, y = torch.full((2, 1, 4, 4), 0.5), torch.ones(2, dtype=torch.long)
    found = build("min-norm", steps=10, targets=1).estimate(Hole().eval(), x, y, norm, none())
    assert not found.crossed.any()


def test_misclassified_images_have_no_margin_and_are_not_measured(known):
    model, x, _, _ = known
    pixels = (255 * x).round().to(torch.uint8)
    exact = pixels.float() / 255
    labels = model(exact).argmax(1)
    labels[::4] = 1 - labels[::4]
    batches = []
    found = measure(
        model,
        OnDevice(pixels, labels),
        torch.arange(60),
        build("pgd", eps=0.2),
        "Linf",
        0,
        25,
        batches.append,
    )
    assert batches == [25, 50, 60]
    wrong = np.arange(60) % 4 == 0
    assert np.array_equal(found.clean_ok, ~wrong)
    assert (found.margin[wrong] == 0).all()
    assert found.crossed.all()
    true = model.margin(exact)[:60].numpy()
    assert np.allclose(found.margin[~wrong], true[~wrong], atol=0.2 / 2**ROUNDS + 1e-5)


def test_a_batch_without_a_correct_image_is_measured_as_zeros(known):
    model, x, _, _ = known
    pixels = (255 * x).round().to(torch.uint8)
    labels = 1 - model(pixels.float() / 255).argmax(1)
    found = measure(model, OnDevice(pixels, labels), torch.arange(8), build("gem"), "Linf", 0, 4)
    assert not found.clean_ok.any()
    assert not found.margin.any()


def test_an_unknown_method_names_the_known_ones():
    with pytest.raises(
        UserError, match=r"no method 'magic': choose one of pgd, gem, min-norm, fab, certified"
    ):
        estimators.build("magic", {})
