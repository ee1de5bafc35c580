"""The recipes for going on from weights: their rates, their optimisers, their epochs."""

import math
import subprocess
import sys

import pytest
import torch
from torch import nn

from smd import data
from smd.config.schema import TrainConfig, from_json, to_json
from smd.core.margin import initial_step
from smd.paths import AROUND as REPOSITORY
from smd.registry.recipes import COMMON, FINETUNE, FINETUNE_ADAMW
from smd.training.loop import epochs, prepare
from smd.training.optimizers import optimizer, step

CPU = torch.device("cpu")


def test_the_cosine_falls_from_the_first_rate_as_torch_s_own():
    rates = [FINETUNE.rate(epoch, 10, 7 * epoch) for epoch in range(10)]
    stepping = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=FINETUNE.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(stepping, 10)
    for rate in rates:
        assert rate == pytest.approx(stepping.param_groups[0]["lr"])
        stepping.step()
        schedule.step()
    assert rates[0] == FINETUNE.lr
    assert 0 < rates[-1] < 0.03 * FINETUNE.lr
    assert FINETUNE.rate(10, 10) == pytest.approx(0, abs=1e-9)
    assert FINETUNE.rate(0, 1) == FINETUNE.lr


def test_the_common_recipe_steps_as_before():
    assert COMMON.rate(59, 150) == 0.3
    assert type(optimizer(nn.Linear(2, 2), COMMON)) is torch.optim.SGD


def test_adamw_decays_weights_alone():
    first, second = optimizer(nn.Linear(2, 3), FINETUNE_ADAMW).param_groups
    assert [p.dim() for p in first["params"]] == [2]
    assert [p.dim() for p in second["params"]] == [1]
    assert (first["weight_decay"], second["weight_decay"]) == (FINETUNE_ADAMW.weight_decay, 0)
    assert first["lr"] == FINETUNE_ADAMW.lr


@pytest.mark.parametrize("recipe", [COMMON, FINETUNE_ADAMW], ids=["sgd", "adamw"])
def test_a_step_is_torch_s_own(recipe):
    nets = [nn.Linear(4, 3) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    ours, theirs = (optimizer(net, recipe) for net in nets)
    for _ in range(3):
        for net, stepping in zip(nets, (ours, theirs), strict=True):
            stepping.zero_grad(set_to_none=True)
            net(torch.ones(2, 4)).square().sum().backward()
        step(ours)
        theirs.step()
    assert torch.equal(nets[0].weight, nets[1].weight)
    assert torch.equal(nets[0].bias, nets[1].bias)
    assert torch.is_grad_enabled()


UNCOMPILED = """
import sys
from torch import nn
from smd.registry.recipes import COMMON
from smd.training.optimizers import optimizer, step, without_compiler
without_compiler()
net = nn.Linear(2, 2)
stepping = optimizer(net, COMMON)
stepping.zero_grad(set_to_none=True)
net(net.weight).sum().backward()
step(stepping)
stepping.load_state_dict(stepping.state_dict())
print("torch._dynamo" in sys.modules)
"""


def test_a_process_that_trains_loads_no_compiler():
    words = [sys.executable, "-c", UNCOMPILED]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("recipe", ["finetune", "finetune-adamw"])
def test_epochs_and_so_the_first_margin_follow_from_the_recipe(recipe):
    config = TrainConfig("digits", recipe=recipe)
    assert config.epochs == 10 != TrainConfig("digits").epochs
    assert TrainConfig("digits", recipe=recipe, epochs=4).epochs == 4
    assert from_json(TrainConfig, to_json(config)) == config
    state = prepare(
        TrainConfig("digits", recipe=recipe, epochs=4, n_train=60, net="small-cnn"),
        data.load("digits"),
        CPU,
    )
    next(epochs(state, lambda state, batches: None))
    delta = initial_step(4, (1, 8, 8))
    assert float(state.state["margin"].max()) <= 2 * delta + 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["finetune", "finetune-adamw"])
def test_both_go_on_from_weights(recipe):
    """From a network that knows something, the loss falls further."""
    options = {"defense": "std", "net": "small-cnn", "n_train": 300, "batch": 32}
    first = prepare(TrainConfig(**options, epochs=5), data.load("digits"), CPU)
    *_, last = epochs(first, lambda state, batches: None)
    second = prepare(TrainConfig(**options, epochs=3, recipe=recipe), data.load("digits"), CPU)
    second.model.load_state_dict(first.model.state_dict())
    results = list(epochs(second, lambda state, batches: None))
    losses = [
        next(m.value for m in result.metrics if m.name == "loss") for result in (last, *results)
    ]
    assert all(map(math.isfinite, losses))
    assert losses[-1] < losses[0]
