"""A step from given margins in the midst of a run, and all that can be seen of it from outside."""

import copy
from dataclasses import dataclass, replace

import torch

from smd import nets
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult

SEED = 3


@dataclass
class Seen:
    """What a step reported and left, and what the network was shown on the way."""

    result: StepResult
    margins: torch.Tensor
    gradients: list
    inputs: list  # of every forward pass
    training: list  # whether each was in train mode

    def mean(self, name):
        total, count = self.result.means[name]
        return float(total / count)


def seeded():
    return torch.Generator().manual_seed(SEED)


def info(x, epochs=120):
    return RunInfo(len(x), epochs, tuple(x.shape[1:]), torch.device("cpu"))


def stepped(defense, model, x, y, margins, epoch=0, epochs=120):
    """Take one step of the defense on the batch (x, y) with those margins stored."""
    model.train().zero_grad()
    state = {"margin": margins.to(x.dtype, copy=True)}
    seen = Seen(StepResult(None, torch.zeros(0)), state["margin"], [], [], [])

    def look(module, given):
        seen.inputs.append(given[0].detach().clone())
        seen.training.append(module.training)

    handle = model.register_forward_pre_hook(look)
    context = StepContext(info(x, epochs), epoch, seeded())
    result = defense.step(model, Batch(x, y, torch.arange(len(x))), state, context)
    handle.remove()
    return replace(seen, result=result, gradients=[p.grad.clone() for p in model.parameters()])


def assert_gradients_of(loss, model, gradients):
    """The gradients are those of a loss that was computed on its own."""
    model.zero_grad()
    loss.backward()
    for ours, parameter in zip(gradients, model.parameters(), strict=True):
        assert torch.allclose(ours, parameter.grad, atol=1e-7, rtol=1e-5)


def mixed_batch(trained):
    """The network in double precision, so that no sign hangs on rounding; 24 samples that it gets
    right, 8 not."""
    model, x, y = trained
    labels = torch.cat([y[:24], (y[24:32] + 1) % 10])
    return copy.deepcopy(model).double(), x[:32].double(), labels


def wide():
    """A network with batch norm, still untouched, and six samples."""
    torch.manual_seed(0)
    return nets.build("wrn-28-4", (3, 8, 8), 4).train(), torch.rand(6, 3, 8, 8), torch.arange(6) % 4


def running_updates(model):
    """How often running statistics were moved: the same for every layer."""
    (count,) = {
        int(m.num_batches_tracked) for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)
    }
    return count
