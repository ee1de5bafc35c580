"""What is looked at in a network before anything starts, and what is said of it."""

import re
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from smd import nets, registry
from smd.nets import checks, memory
from smd.nets.checks import cautions_of, problems_of
from smd.nets.deepmind import wide_swish
from smd.nets.memory import Need, caution_of_memory, memory_of, need_of, problem_of_memory
from smd.nets.wide import wide_resnet

SHAPE = (1, 8, 8)
CPU = torch.device("cpu")


class Odd(nn.Module):
    """A linear network that does something to its answer, or to its images before."""

    def __init__(self, after=lambda self, x: x, before=lambda x: x):
        super().__init__()
        self.last, self.after, self.before = nn.Linear(64, 3), after, before

    def forward(self, x):
        return self.after(self, self.last(self.before(x).flatten(1)))


def with_noise(self, x):
    return x + torch.randn_like(x)


ODD = {
    "random": (Odd(with_noise), [checks.RANDOM]),
    "random in train mode": (Odd(lambda self, x: F.dropout(x, 0.5, self.training)), []),
    "probabilities": (Odd(lambda self, x: x.softmax(1)), [checks.PROBABILITIES]),
    "log-softmax": (Odd(lambda self, x: x.log_softmax(1)), []),
    "mixing": (Odd(lambda self, x: x - x.mean(0)), [checks.MIXING]),
    "steps": (Odd(before=lambda x: (x > 0.5).float()), [checks.NO_GRADIENT]),
    "rounded": (Odd(before=lambda x: (x * 255).round() / 255), [checks.NO_GRADIENT]),
    "detached": (Odd(before=lambda x: x.detach()), [checks.NO_GRADIENT]),
    "detached after": (Odd(lambda self, x: x.detach()), [checks.NO_GRADIENT]),
    "not finite": (Odd(lambda self, x: x / 0), [checks.NOT_FINITE]),
    "plain": (Odd(), []),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_makes_verdicts_doubtful_is_said(kind):
    model, expected = ODD[kind]
    drawn = torch.get_rng_state()
    assert cautions_of(model.train(), SHAPE) == expected
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(module.training for module in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_a_head_that_begins_at_zero_is_no_reason_for_alarm():
    model = Odd()
    nn.init.zeros_(model.last.weight)
    assert cautions_of(model, SHAPE) == []


def narrow(entry, shape):
    """The network; a wide one of the same depth but twice the least width, as drawing its weights,
    267 million of them, is most of what it takes."""
    builder = registry.load(entry.target)
    if isinstance(builder, partial) and builder.func in (wide_resnet, wide_swish):
        depth, _ = builder.args
        return builder.func(depth, 2, shape, 4)
    return nets.build(entry.name, shape, 4)


@pytest.mark.parametrize("name", registry.NETWORKS)
def test_nothing_is_said_of_our_own_networks(name):
    entry = registry.NETWORKS[name]
    shape = (1, *[max(entry.sizes[0], 16)] * entry.dims)
    assert cautions_of(narrow(entry, shape), shape) == []
    with torch.device("meta"):
        model = nets.build(name, shape, 4)
    assert problems_of(model, shape, 4, 128, CPU) == []


def test_one_image_that_cannot_be_trained_on_is_told():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.BatchNorm1d(5), nn.Linear(5, 3))
    (said,) = cautions_of(model, SHAPE)
    assert "cannot train on a batch of one image" in said


def refused_in_train_mode(self, x):
    if self.training:
        raise ValueError("no training")
    return x


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (nn.Linear(5, 3), "does not fit images of 1x8x8"),
        (Odd(), "answers with 3 classes, the images have 4"),
        (nn.Flatten(0), r"with \(128,\) instead of logits"),
        (Odd(lambda self, x: {"logits": x}), "with dict instead of logits"),
        (Odd(refused_in_train_mode), "cannot be trained on images .* ValueError: no training"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(model, said):
    (sentence,) = problems_of(model, SHAPE, 3 if "trained" in said else 4)
    assert re.search(said, sentence)


def test_a_network_whose_path_depends_on_numbers_is_looked_at_with_numbers():
    model = Odd(lambda self, x: x if float(x.detach().sum()) < 1e9 else x[:0])
    assert problems_of(model, SHAPE, 3, 8) == []


def test_memory_of_a_step_is_counted_without_taking_it():
    layer = nn.Linear(64, 3)
    need = need_of(nn.Sequential(nn.Flatten(), layer), SHAPE)
    assert need.weights == 3 * 4 * (64 * 3 + 3)
    assert need.image == 64 * 4  # the linear layer keeps its input


def test_what_cannot_fit_is_refused_with_the_batch_that_would(monkeypatch):
    monkeypatch.setattr(memory, "memory_of", lambda *_: 10 * 2**30)
    need = Need(2 * 2**30, 2**30)
    assert problem_of_memory(need, 8, CPU) == ""
    assert "take at most 8 images a batch" in problem_of_memory(need, 9, CPU)
    assert "cpu has 10.0 GB: take a smaller" in problem_of_memory(Need(11 * 2**30, 1), 9, CPU)


def test_what_may_not_fit_is_said_with_the_batch_that_should(monkeypatch):
    monkeypatch.setattr(memory, "memory_of", lambda *_: 10 * 2**30)
    need = Need(2**30, 2**30)
    assert caution_of_memory(need, 6, CPU) == ""
    assert "may take 11.5 GB" in caution_of_memory(need, 7, CPU)
    assert "take --batch 6," in caution_of_memory(need, 7, CPU)


def test_memory_is_what_this_process_does_not_hold_already(monkeypatch):
    monkeypatch.setenv("SMD_MEMORY", "64GiB")
    before = memory_of(CPU)
    held = torch.ones(2**26)
    assert held.nbytes * 0.9 < before - memory_of(CPU) < held.nbytes * 1.5
    assert memory_of(CPU, 2**20) - memory_of(CPU) < 2**22


def test_a_network_larger_than_the_machine_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setattr(memory, "memory_of", lambda *_: 2**30)
    with torch.device("meta"):
        model = nets.build("torchvision:vit_l_16", (3, 64, 64), 4)
    (sentence,) = problems_of(model, (3, 64, 64), 4, 8, CPU)
    assert "weights, gradients and momentum), cpu has 1.0 GB: take a smaller" in sentence
