"""One step of a defense, and all that can be seen of it from outside."""

import copy
from dataclasses import dataclass

import torch

from smd import nets
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext

SEED = 3


@dataclass
class Seen:
    """What a step reported and left, and what the network was shown on the way."""

    result: object
    gradients: list
    inputs: list  # of every forward pass
    training: list  # whether each was in train mode

    def means(self):
        return {name: float(total / count) for name, (total, count) in self.result.means.items()}

    def attacked(self):
        """The inputs of the passes in eval mode."""
        return [x for x, training in zip(self.inputs, self.training, strict=True) if not training]


def seeded():
    return torch.Generator().manual_seed(SEED)


def at(x, epoch=0, epochs=120):
    return StepContext(
        RunInfo(len(x), epochs, tuple(x.shape[1:]), torch.device("cpu")), epoch, seeded()
    )


def stepped(defense, model, x, y, epoch=0, epochs=120):
    """Take one step of the defense on the batch (x, y)."""
    model.train().zero_grad()
    context = at(x, epoch, epochs)
    state = defense.begin(context.info)
    inputs, training = [], []

    def look(module, given):
        inputs.append(given[0].detach().clone())
        training.append(module.training)

    handle = model.register_forward_pre_hook(look)
    result = defense.step(model, Batch(x, y, torch.arange(len(x))), state, context)
    handle.remove()
    return Seen(result, [p.grad.clone() for p in model.parameters()], inputs, training)


def gradients_are_of(loss, model, gradients):
    """Whether the gradients are those of a loss that was computed on its own."""
    expected = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
    pairs = zip(gradients, expected, strict=True)
    return all(torch.allclose(ours, theirs, atol=1e-5, rtol=1e-5) for ours, theirs in pairs)


def wide(samples=6):
    """A network with batch norm, still untouched, and some samples."""
    torch.manual_seed(0)
    return (
        nets.build("wrn-28-4", (3, 8, 8), 4).train(),
        torch.rand(samples, 3, 8, 8),
        torch.arange(samples) % 4,
    )


def running_updates(model):
    """How often running statistics were moved: the same for every layer."""
    (count,) = {
        int(m.num_batches_tracked) for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)
    }
    return count


def some(trained, count=12):
    """A copy of the trained network in float64, in which no sign is a matter of rounding, and some
    digits.

    A few labels are wrong, so that some clean images are misclassified.
    """
    model, x, y = trained
    y = y[:count].clone()
    y[:3] = (y[:3] + 1) % 10
    return copy.deepcopy(model).double(), x[:count].double(), y
