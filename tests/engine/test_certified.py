"""Certified distances: never above the truth, nor above what any attack finds."""

import copy
import os

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from smd import estimators
from smd.core import lp
from smd.errors import UserError
from smd.estimators.bounds import Ball, certain
from smd.estimators.certified import Certified
from smd.estimators.layers import chain
from smd.nets.layers import instance_norm
from smd.nets.normalized import Normalized
from smd.nets.paper import PaperCnn
from smd.nets.parts import InParts
from smd.nets.resnet import Block
from smd.nets.wrn import PerImageStandardize


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def every_layer():
    """A small network with every kind of layer that bounds are known of."""
    torch.manual_seed(3)
    body = nn.Sequential(
        PerImageStandardize(),
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(4, 6, 3, stride=2, padding=1),
        instance_norm(6),
        nn.LeakyReLU(0.1),
        nn.GroupNorm(2, 6),
        nn.Dropout(),
        nn.Flatten(),
        nn.LayerNorm(24),
        nn.LeakyReLU(),
        nn.Linear(24, 5),
    )
    for layer in body:
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-1, 1)
            layer.running_var.uniform_(0.5, 2)
        if isinstance(layer, nn.BatchNorm2d | nn.LayerNorm | nn.GroupNorm):
            for weight in layer.parameters():
                nn.init.uniform_(weight, -1, 1)
    return Normalized(body, 1, [0.4], [0.3]).eval()


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_a_linear_networks_true_margin_is_certified(norm):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    x = 0.4 + 0.2 * torch.rand(32, 1, 4, 4, generator=drawn())
    w = (model[1].weight[0] - model[1].weight[1]).detach()
    logits = model(x).detach()
    true = (logits[:, 0] - logits[:, 1]).abs() / (w.abs().sum() if norm == "Linf" else w.norm())
    found = Certified(12).estimate(model, x, logits.argmax(1), norm, drawn())
    assert (found.margin <= true).all()
    assert (found.margin >= 0.99 * true).all()
    assert not found.crossed.any()


@pytest.mark.parametrize("eps", [0.002, 0.02, 0.2])
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_no_image_in_the_ball_goes_below_the_bounds(norm, eps):
    model = every_layer()
    x, y = torch.rand(8, 1, 8, 8, generator=drawn(1)), torch.arange(8) % 5
    radius = torch.full((8,), eps) * (1 if norm == "Linf" else 4)
    bounds = certain(chain(model), Ball(x.double(), radius.double(), norm), y)
    exact, seen = model.double(), torch.full_like(bounds, torch.inf)
    for k in range(60):
        noise = torch.randn(x.shape, generator=drawn(k))
        step = lp.unit_step(noise, norm) * (1 if k % 2 else 3)
        at = lp.project(x + lp.per_sample(radius, x) * step, x, radius, norm).double()
        inside = lp.length(at - x.double(), norm) <= radius.double()
        logits = exact(at)
        lead = logits.gather(1, y[:, None]) - logits
        seen = torch.where(inside[:, None], torch.minimum(seen, lead), seen)
    assert (bounds <= seen + 1e-12).all()


def tiny(x, y, seed, slope, steps=120):
    """A small network without normalisation, trained for a moment."""
    torch.manual_seed(seed)
    bend = nn.LeakyReLU(slope) if slope else nn.ReLU()
    layers = [nn.Conv2d(1, 6, 3, 2, 1), bend, nn.Flatten(), nn.Linear(96, 32), bend]
    model = nn.Sequential(*layers, nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(steps):
        rows = torch.arange(step * 64, (step + 1) * 64) % len(x)
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    return model.eval()


def compared(model, x, y, norm, steps):
    """Certified and found distances of what the network classifies correctly."""
    with torch.no_grad():
        right = model(x).argmax(1) == y
    x, y = x[right], y[right]
    proven = Certified().estimate(model, x, y, norm, drawn()).margin
    attack = estimators.build("min-norm", {"steps": steps, "targets": 3})
    found = attack.estimate(model, x, y, norm, drawn())
    assert found.crossed.all()
    return proven, found.margin


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_what_is_certified_is_never_above_what_an_attack_finds(digits, norm):
    x, y = digits
    proven, found = compared(tiny(x, y, 0, 0.0), x[:60], y[:60], norm, 20)
    assert (proven <= found).all()
    assert (proven > 0).float().mean() > 0.9
    assert (proven / found).median() > 0.3


@pytest.mark.slow
def test_none_is_certified_beyond_what_an_attack_finds_on_three_networks(digits):
    """SMD_LONG=1: on all digits, more than 10,000 comparisons, which take minutes."""
    every = 1 if os.environ.get("SMD_LONG") else 24
    x, y = (rows[::every] for rows in digits)
    n = 0
    for seed, slope in ((0, 0.0), (1, 0.1), (2, 0.01)):
        model = tiny(x, y, seed, slope)
        for norm in ("Linf", "L2"):
            proven, found = compared(model, x, y, norm, 15)
            assert (proven <= found).all()
            n += len(proven)
    assert n * every > 10_000


# three columns: channels and columns could be confused and nothing would fail
@pytest.mark.parametrize(("norm", "side"), [("Linf", 3), ("L2", 4)])
def test_each_channel_has_its_own_mean_and_deviation(norm, side):
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * side**2, 3)]
    model = Normalized(nn.Sequential(*layers), 3, [0.49, 0.1, 0.9], [0.25, 0.02, 0.6]).eval()
    x = torch.rand(8, 3, side, side, generator=drawn())
    y = model(x).argmax(1)
    proven, found = compared(model, x, y, norm, 15)
    assert (proven <= found).all()
    # a single point in place of a ball: the bounds are the logits' own leads
    logits = copy.deepcopy(model).double()(x.double())
    exact = certain(chain(model), Ball(x.double(), torch.zeros(8).double(), norm), y)
    others = F.one_hot(y, 3) == 0
    assert torch.allclose(exact[others], (logits.gather(1, y[:, None]) - logits)[others])


class Doubled(nn.Conv2d):
    """Computes something else than its base."""

    def forward(self, x):
        return 2 * super().forward(x)


def hooked():
    layer = nn.Linear(4, 2)
    layer.register_forward_hook(lambda layer, given, value: -value)
    return layer


def turned(layer, how):
    """The layer, but what it computes is another thing than its class does."""
    if how == "before":
        layer.register_forward_pre_hook(lambda layer, given: (-given[0],))
    elif how == "after":
        layer.register_forward_hook(lambda layer, given, value: -value)
    else:
        layer.forward = lambda x: -x
    return layer


@pytest.mark.parametrize("how", ["before", "after", "forward"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda: nn.Sequential(nn.Linear(4, 2)),
        lambda: Normalized(nn.Linear(4, 2), 1, [0.5], [0.5]),
        lambda: InParts(nn.Linear(4, 2), 1),
        lambda: PaperCnn(nn.Sequential(nn.ReLU()), 4, 2),
        nn.ReLU,
    ],
)
def test_what_is_changed_for_one_module_is_seen_at_every_depth(layer, how):
    model = layer()
    chain(model)
    with pytest.raises(UserError, match=f"bounds through {type(model).__name__} are not known"):
        chain(nn.Sequential(turned(model, how)))


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (Doubled(1, 1, 1), "Doubled"),
        (hooked(), "Linear"),
        (nn.MaxPool2d(2), "MaxPool2d"),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), "reflect"),
        (nn.BatchNorm2d(1, track_running_stats=False), "batch norm"),
        (nn.LeakyReLU(-0.5), "slope"),
        (Block(2, 2, (1, 1)), "Block"),
    ],
)
def test_what_has_no_known_bounds_is_refused_in_a_sentence(layer, name):
    with pytest.raises(UserError, match=f"cannot be certified.*{name}"):
        chain(nn.Sequential(layer))


def test_the_small_networks_with_instance_norm_are_certified(trained):
    model, x, y = trained
    found = Certified(7).estimate(model, x[:1], y[:1], "Linf", drawn())
    assert (found.margin > 0).all()


def test_an_activation_may_come_first():
    """On pixels it changes nothing, so that the margin is the linear network's."""
    torch.manual_seed(0)
    linear = nn.Linear(16, 2)
    x = 0.4 + 0.2 * torch.rand(4, 1, 4, 4, generator=drawn())
    behind = nn.Sequential(nn.ReLU(), nn.Flatten(), linear)
    y = behind(x).argmax(1)
    one, two = (
        Certified(12).estimate(model, x, y, "Linf", drawn()).margin
        for model in (behind, nn.Sequential(nn.Flatten(), linear))
    )
    assert one == pytest.approx(two, rel=1e-3)
    assert (one > 0).all()
