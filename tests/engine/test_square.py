"""Square that asks nothing twice, against the package's."""

import pytest
import torch
from asking import Broken, Counted, Coupled, Noisy
from pyautoattack.square import SquareAttack
from torch import nn

from smd import nets
from smd.attacks.square import Square, before

EPS = 0.13


def searched(kind, model, x, y, eps=EPS, queries=400, seed=0, norm="Linf"):
    """(adversarial images, images asked about, the network's part of the attack alone)."""
    counted = model if isinstance(model, Counted) else Counted(model)
    counted.asked = 0
    attack = kind(counted, norm=norm, n_queries=queries, eps=eps, p_init=0.8, seed=seed,
                  resc_schedule=False)  # fmt: skip
    with torch.random.fork_rng(), torch.no_grad():
        return attack.perturb(x.clone(), y.clone()), counted.asked


@pytest.mark.parametrize("seed", [0, 1])
def test_it_finds_what_the_package_finds_with_fewer_questions(trained, seed):
    model, x, y = trained
    (ours, few), (theirs, many) = (
        searched(kind, model, x[:32], y[:32], queries=1200, seed=seed)
        for kind in (Square, SquareAttack)
    )
    assert torch.equal(ours, theirs)
    broken = (ours != x[:32]).flatten(1).any(1)
    assert 0 < broken.sum() < 32
    assert few < 0.6 * many


def test_so_it_does_on_colours_where_the_sides_differ(trained):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.LeakyReLU(), nn.Flatten(), nn.Linear(8 * 24, 4))
    x = torch.rand(20, 3, 6, 8)
    y = model(x).argmax(1)
    (ours, few), (theirs, many) = (
        searched(kind, model, x, y, eps=0.02, queries=600) for kind in (Square, SquareAttack)
    )
    assert torch.equal(ours, theirs)
    assert 0 < (ours != x).flatten(1).any(1).sum() < 20
    assert few < many


def test_the_search_of_those_that_withstand_ends_where_the_packages_does(trained):
    model, x, y = trained
    best = []
    for kind in (Square, SquareAttack):
        attack = kind(model, norm="Linf", n_queries=300, eps=0.05, resc_schedule=False)
        attack.init_hyperparam(x[:16])
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(3)
            best.append(attack.attack_single_run(x[:16], y[:16]))
    assert torch.equal(best[0][1], best[1][1])


@pytest.mark.parametrize("kind", [Noisy, Coupled, Broken])
def test_a_network_that_must_be_asked_each_time_is(trained, kind):
    model, x, y = trained
    ours, theirs = (
        searched(each, kind(model), x[:12], y[:12], queries=60)[0]
        for each in (Square, SquareAttack)
    )
    assert torch.equal(ours, theirs)


def test_in_l2_it_is_the_package(trained):
    model, x, y = trained
    ours, theirs = (
        searched(kind, model, x[:8], y[:8], eps=0.6, queries=40, norm="L2")
        for kind in (Square, SquareAttack)
    )
    assert torch.equal(ours[0], theirs[0])
    assert ours[1] == theirs[1]


def test_the_last_equal_row_before_each():
    rows = torch.tensor([[1, 2], [3, 4], [1, 2], [1, 3], [1, 2], [3, 4]])
    assert before(rows).tolist() == [-1, -1, 0, -1, 2, 1]


def test_a_converged_search_asks_nothing_more():
    """On a linear network the best corner is soon there; thousands of queries cost nothing then."""
    model = Counted(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)))
    x = 0.5 + 0.01 * torch.rand(4, 1, 4, 4)
    y = model(x).argmax(1)
    asked = [searched(Square, model, x, y, eps=1e-4, queries=n)[1] for n in (1500, 3000)]
    assert asked[0] == asked[1] < 4 * 400


def test_networks_of_the_paper_answer_each_image_by_itself(digits):
    from smd.attacks.apart import apart

    x, _ = digits
    assert apart(nets.build("small-cnn", (1, 8, 8), 10).eval(), x[:9])
    assert apart(nets.build("small-cnn", (1, 8, 8), 10).eval(), x[:1])
