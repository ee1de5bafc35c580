"""Algorithm 2, on a linear network whose margins are known and on a trained one."""

import oracle
import pytest
import torch
from torch import nn

from smd.core import lp, pgd
from smd.core.epgd import epgd
from smd.core.exploring import STEPS
from smd.core.losses import ce, slm
from smd.core.margin import Rules


class Linear(nn.Module):
    """Two classes; the boundary is w.x = b, so the Linf margin is |w.x - b| / |w|_1."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.w = torch.randn(dim, generator=generator)
        self.b = float(self.w.sum() / 2)

    def forward(self, x):
        score = x.flatten(1) @ self.w - self.b
        return torch.stack([-score, score], 1)

    def margin(self, x):
        return (x.flatten(1) @ self.w - self.b).abs() / self.w.abs().sum()


@pytest.fixture
def linear():
    """A linear network and samples so far inside [0, 1] that no pixel is clipped."""
    model = Linear(16)
    x = 0.5 + 0.2 * (torch.rand(64, 1, 4, 4, generator=torch.Generator().manual_seed(1)) - 0.5)
    return model, x, model(x).argmax(1)


def none():
    return torch.Generator().manual_seed(0)


def test_a_true_margin_is_recovered_to_a_1024th_of_the_explored_way(linear):
    model, x, y = linear
    true = model.margin(x)
    explored = true * 1.7
    found = epgd(model, x, y, explored, Rules(), none())
    assert found.crossed.all()
    distance = lp.length(found.x - x, "Linf")
    assert (distance <= true + 1e-6).all()
    assert (true - distance <= explored / 1024 + 1e-6).all()


def test_flag2_tells_who_crossed(linear):
    model, x, y = linear
    factor = torch.where(torch.arange(64) % 2 == 0, 0.5, 1.5)
    found = epgd(model, x, y, model.margin(x) * factor, Rules(), none())
    assert torch.equal(found.crossed, factor > 1)


@pytest.mark.parametrize("search", ["bisect", "literal"])
def test_the_output_of_a_correct_sample_is_still_correct(trained, search):
    model, x, y = trained
    found = epgd(model, x, y, torch.full((len(x),), 0.12), Rules(search=search), none())
    assert found.crossed.any()
    assert not found.crossed.all()
    right = model(x).argmax(1) == y
    assert (model(found.x).argmax(1) == y)[right].all()


def test_uncrossed_samples_keep_the_last_iterate(linear):
    model, x, y = linear
    eps = model.margin(x) * 0.5
    last, _ = pgd.last_iterate(model, ce, x, y, eps, 4 * eps / STEPS, STEPS)
    assert torch.equal(epgd(model, x, y, eps, Rules(), none()).x, last)


def test_the_literal_search_halves_uncrossed_samples(linear):
    model, x, y = linear
    eps = model.margin(x) * 0.5
    found = epgd(model, x, y, eps, Rules(search="literal"), none())
    assert torch.allclose(lp.length(found.x - x, "Linf"), eps / 2, atol=1e-6)


def test_flag2_looks_at_every_iterate(linear):
    """A network that is wrong only on a ring: the iterates pass it and are right again at the
    end."""
    _, x, _ = linear
    centre = x[0]

    class Ring(nn.Module):
        def forward(self, batch):
            far = (batch - centre).abs().amax((1, 2, 3))
            gate = ((far > 0.04) & (far < 0.06)).float() * 10
            pull = batch.flatten(1).sum(1) * 1e-3
            return torch.stack([1 - gate - pull, gate + pull - pull.detach() - 1], 1)

    y = torch.zeros(1, dtype=torch.long)
    found = epgd(Ring(), x[:1], y, torch.tensor([0.1]), Rules(), none())
    assert Ring()(x[:1] + 0.1 * torch.sign(found.x - x[:1])).argmax(1) == 0
    assert found.crossed.all()


def test_noise_stays_within_each_samples_own_margin(trained):
    model, x, y = trained
    margin = torch.linspace(0, 0.3, len(x))
    found = epgd(model, x, y, margin, Rules(start="uniform", attack_loss="slm"), none())
    assert (lp.length(found.x - x, "Linf") <= margin + 1e-6).all()


def test_a_zero_margin_moves_nothing(trained):
    model, x, y = trained
    found = epgd(model, x, y, torch.zeros(len(x)), Rules(), none())
    assert torch.equal(found.x, x)


@pytest.mark.slow
@pytest.mark.parametrize("literal", [False, True])
def test_flags_and_points_equal_the_oracles(trained_exactly, literal):
    model, x, y = trained_exactly
    x, y = x[:48], y[:48]
    margin = torch.linspace(0.01, 0.2, 48, dtype=x.dtype)
    found = epgd(model, x, y, margin, Rules(search="literal" if literal else "bisect"), none())
    plain = [oracle.epgd(model, x[i], int(y[i]), margin[i], literal) for i in range(48)]
    assert found.crossed.tolist() == [not flag2 for _, flag2 in plain]
    assert 5 < found.crossed.sum() < 43
    assert torch.allclose(found.x, torch.stack([point for point, _ in plain]), atol=1e-9)


def test_slm_and_cross_entropy_pull_the_same_way(trained):
    """CE is the softplus of slm, so a sign step does not tell them apart."""
    model, x, y = trained
    _, a = pgd.input_gradient(model, ce, x, y)
    _, b = pgd.input_gradient(model, slm, x, y)
    clear = a.abs() > 1e-6
    assert clear.float().mean() > 0.3
    assert torch.equal(a.sign()[clear], b.sign()[clear])


class Counted(nn.Module):
    """A network that counts the samples it is shown."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.seen = model, 0

    def forward(self, x):
        self.seen += len(x)
        return self.model(x)


SEARCHES = ["bisect", "first-crossing"]


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("start", ["clean", "uniform"])
def test_leaving_early_and_staying_masked_find_the_same(trained, search, start):
    """The points agree to float noise: a convolution adds up in another order in another batch."""
    model, x, y = trained
    margin = torch.linspace(0.002, 0.25, len(x))
    rules = Rules(search=search, start=start)
    one, other = (
        epgd(model, x, y, margin, rules, none(), masked=masked) for masked in (False, True)
    )
    assert torch.equal(one.crossed, other.crossed)
    assert 10 < int(one.crossed.sum()) < len(x) - 10
    assert torch.allclose(one.x, other.x, atol=1e-5)


@pytest.mark.parametrize("search", SEARCHES)
def test_a_known_gradient_saves_a_pass_and_changes_nothing(trained, search):
    model, x, y = trained
    margin, rules = torch.full((len(x),), 0.1), Rules(search=search)
    _, gradient = pgd.input_gradient(model, ce, x, y)
    told, untold = Counted(model), Counted(model)
    one = epgd(told, x, y, margin, rules, none(), gradient / len(x))
    other = epgd(untold, x, y, margin, rules, none())
    assert torch.equal(one.x, other.x)
    assert torch.equal(one.crossed, other.crossed)
    assert untold.seen - told.seen == len(x)


def test_a_sample_whose_iterates_repeat_leaves_with_the_iterate_that_the_last_step_would_reach(
    trained,
):
    """With short margins the pixels soon lie on the faces of the box, or swing between two
    places."""
    model, x, y = trained
    margin = torch.full((len(x),), 1 / 255)
    points = [
        point for point, _ in pgd.iterates(model, ce, x, y, margin, 4 * margin / STEPS, STEPS)
    ]
    same = [
        [bool((points[k][i] == points[k - lag][i]).all()) for lag in (1, 2)]
        for i in range(len(x))
        for k in (18,)
    ]
    assert sum(fixed for fixed, _ in same) > 5
    assert sum(swings and not fixed for fixed, swings in same) > 5
    counted = Counted(model)
    found = epgd(counted, x, y, margin, Rules(), none())
    assert counted.seen < 0.8 * (STEPS + 1) * len(x)
    assert torch.equal(found.x[~found.crossed], points[-1][~found.crossed])


@pytest.mark.parametrize("factor", [1.1, 1.7, 4.0])
def test_first_crossing_recovers_a_true_margin_to_a_1024th_of_the_reach(linear, factor):
    model, x, y = linear
    true = model.margin(x)
    counted = Counted(model)
    found = epgd(counted, x, y, true * factor, Rules(search="first-crossing"), none())
    assert found.crossed.all()
    distance = lp.length(found.x - x, "Linf")
    assert (distance <= true + 1e-6).all()
    assert (true - distance <= true * factor / 1024 + 1e-6).all()
    # five steps reach the face, one looks at the clean sample
    assert counted.seen <= (6 + 8) * len(x)


def test_first_crossing_keeps_the_last_iterate_of_who_does_not_cross(linear):
    model, x, y = linear
    eps = model.margin(x) * 0.5
    last, _ = pgd.last_iterate(model, ce, x, y, eps, 4 * eps / STEPS, STEPS)
    for masked in (False, True):
        found = epgd(model, x, y, eps, Rules(search="first-crossing"), none(), masked=masked)
        assert not found.crossed.any()
        assert torch.equal(found.x, last)
