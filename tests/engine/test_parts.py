"""A step whose batch goes through the network in parts is the step of the whole batch."""

from dataclasses import replace

import pytest
import torch

from smd import data, registry
from smd.config.schema import TrainConfig
from smd.core import losses, pgd, rng
from smd.defenses import StepContext
from smd.errors import UserError
from smd.nets import memory, parts
from smd.nets.memory import Need
from smd.nets.parts import InParts
from smd.training.loop import prepare

CPU = torch.device("cpu")
GIGABYTE = 2**30


def training(defense, microbatch, net="small-cnn"):
    config = TrainConfig(defense=defense, net=net, n_train=60, batch=24, microbatch=microbatch)
    return prepare(config, data.load("digits"), CPU)


def stepped(defense, microbatch):
    """The first step on images that the network gets right, as a defense has most to do there.

    TRADES in float64: it starts where its loss is flat, and float32's noise turns signs there.
    """
    dtype = torch.float64 if defense == "trades" else torch.float32
    state = training(defense, microbatch)
    state.model.to(dtype)
    batch = state.sets.train.take(torch.arange(24))
    batch = replace(batch, x=batch.x.to(dtype))
    with torch.no_grad():
        labels = state.model(batch.x).argmax(1)
    batch = replace(batch, y=torch.where(torch.arange(24) < 18, labels, (labels + 1) % 10))
    context = StepContext(state.info, 0, rng.generator(CPU, 1))
    return state, state.defense.step(state.parted or state.model, batch, state.state, context)


@pytest.mark.parametrize("defense", registry.DEFENSES)
def test_gradients_flags_and_states_are_those_of_the_whole_batch(defense):
    (whole, expected), (parted, found) = stepped(defense, 0), stepped(defense, 7)
    assert whole.parted is None
    assert isinstance(parted.parted, InParts)
    assert torch.equal(expected.adv_ok, found.adv_ok)
    for name in ("clean_ok", "crossed"):
        one, other = getattr(expected, name), getattr(found, name)
        assert (one is None and other is None) or torch.equal(one, other)
    for name, values in whole.state.items():
        torch.testing.assert_close(parted.state[name], values)
    for one, other in zip(whole.model.parameters(), parted.model.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-4, atol=1e-6)


def test_what_is_kept_for_the_backward_pass_is_of_no_part():
    network = torch.nn.Sequential(torch.nn.Linear(8, 100), torch.nn.Tanh(), torch.nn.Linear(100, 2))
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        InParts(network, 5)(torch.rand(20, 8))
    assert not any(tensor.shape[-1] == 100 for tensor in kept if tensor.ndim)


def test_a_network_with_batch_norm_is_refused_with_what_to_do():
    with pytest.raises(UserError, match="leave --microbatch out, or take --batch 7"):
        training("std", 7, "wrn-28-4")


def test_the_part_is_found_from_the_need_and_the_memory(monkeypatch):
    monkeypatch.setattr(memory, "memory_of", lambda *_: 16 * GIGABYTE)
    monkeypatch.setattr(parts, "memory_of", lambda *_: 16 * GIGABYTE)
    assert parts.fitting(Need(GIGABYTE, GIGABYTE // 32), 1000, 128, CPU) == 0
    assert parts.fitting(Need(GIGABYTE, GIGABYTE // 2), 0, 128, CPU) == 15
    assert parts.fitting(Need(GIGABYTE, 9 * GIGABYTE), 0, 128, CPU) == 1
    with pytest.raises(UserError, match="take at most 7 images a batch"):
        parts.fitting(Need(GIGABYTE, 0), 2 * GIGABYTE // (4 * parts.COPIES), 128, CPU)


def test_small_images_are_taken_whole_without_a_look():
    assert parts.found(torch.nn.Identity(), (3, 64, 64), 10**9, CPU) == 0


def test_an_input_gradient_keeps_one_part_and_computes_none_again():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 9), torch.nn.Linear(9, 3))
    x, y, weight = torch.rand(20, 1, 2, 2), torch.arange(20) % 3, torch.rand(20)
    asked = []
    network.register_forward_pre_hook(lambda _, args: asked.append(len(args[0])))

    def loss(logits, y):  # which knows something of each sample of the whole batch
        return weight * losses.ce(logits, y)

    logits, gradient = pgd.input_gradient(InParts(network, 8), loss, x, y)
    assert asked == [8, 8, 4]
    expected = pgd.input_gradient(network, loss, x, y)
    torch.testing.assert_close((logits, gradient), expected)
