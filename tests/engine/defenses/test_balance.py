"""Weights of the samples, in every defense: they are in the loss and in nothing else."""

import pytest
import torch
from torch import nn

from smd import registry
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, build
from smd.training.balance import class_weights

CPU = torch.device("cpu")
N = 8
# of the six that are classified correctly they are 1 in the mean, as over an epoch
SOME = torch.tensor([0.5, 1.75, 1.0, 1.5, 0.25, 1.25, 1.6, 0.4])
CASES = [
    *((name, {}) for name in registry.DEFENSES),
    ("smd", {"preset": "ame"}),
    ("customized-at", {"variant": "code", "loss": "mix"}),
]
CASES = [(name, params) for name, params in CASES if name in registry.DEFENSES]


def stepped(name, params, weight):
    """Gradients, state and flags of one step on eight images in the last of three epochs."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 3)).double()
    x = torch.rand(N, 1, 4, 4, dtype=torch.double)
    y = model(x).argmax(1)
    y[:2] = (y[:2] + 1) % 3  # two are misclassified
    defense, info = build(name, params), RunInfo(N, 3, (1, 4, 4), CPU)
    state = defense.begin(info)
    state = {key: v.double() if key == "margin" else v for key, v in state.items()}
    context = StepContext(info, 2, torch.Generator().manual_seed(1))
    weight = None if weight is None else weight.double()
    result = defense.step(model, Batch(x, y, torch.arange(N), weight), state, context)
    return torch.cat([p.grad.flatten() for p in model.parameters()]), state, result


@pytest.mark.parametrize("name, params", CASES)
def test_weights_scale_each_samples_part_of_the_gradient_and_nothing_else(name, params):
    plain, state, result = stepped(name, params, None)
    ones, _, _ = stepped(name, params, torch.ones(N))
    some, weighed, flags = stepped(name, params, SOME)
    rest, _, _ = stepped(name, params, 2 - SOME)
    assert torch.allclose(plain, ones, rtol=1e-9, atol=1e-12)
    assert torch.allclose(some + rest, 2 * plain, rtol=1e-6, atol=1e-9)
    assert not torch.allclose(some, plain, rtol=1e-2)
    for key, values in state.items():
        assert torch.allclose(weighed[key], values, rtol=1e-6, atol=1e-9), key
    assert torch.equal(flags.adv_ok, result.adv_ok)
    loss = float(result.means["loss"][0])
    assert float(flags.means["loss"][0]) != pytest.approx(loss, rel=1e-3)


def test_smds_noisy_loss_is_a_weighted_mean_whoever_is_classified_correctly():
    weights = torch.where(torch.arange(N) < 2, 0.1, 10.0)  # the rare class alone is right, as early
    _, _, plain = stepped("smd", {}, None)
    _, _, heavy = stepped("smd", {}, weights)
    for one, other in zip(plain.means["loss_noisy"], heavy.means["loss_noisy"], strict=True):
        assert float(other) == pytest.approx(float(one))


def test_class_weights_make_all_classes_weigh_alike():
    labels = torch.tensor([0] * 6 + [1] * 3 + [3])
    weights = class_weights(labels, 4)
    assert weights.tolist() == pytest.approx([10 / 18, 10 / 9, 0, 10 / 3])
    assert float(weights[labels].mean()) == pytest.approx(1)
    sums = [float(weights[labels][labels == k].sum()) for k in (0, 1, 3)]
    assert sums == pytest.approx([10 / 3] * 3)
