"""One step of a defense on a network that tells what it was asked."""

import copy

import torch

from smd import nets
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext

SEED = 5


def doubled(trained):
    """The trained network in double precision, so that no sign hangs on rounding, and a batch with
    wrong labels too."""
    model, x, y = trained
    x, y = torch.cat([x[:30], x[:6]]), torch.cat([y[:30], (y[:6] + 1) % 10])
    return copy.deepcopy(model).double(), x.double(), y


def context(epoch, epochs, n):
    info = RunInfo(n, epochs, (1, 8, 8), torch.device("cpu"))
    return StepContext(info, epoch, torch.Generator().manual_seed(SEED))


def step(defense, model, x, y, epoch=0, epochs=120):
    """(result, state, what the network was fed, call by call, the training pass last)."""
    seen = []
    handle = model.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].detach().clone())
    )
    model.train().zero_grad()
    at = context(epoch, epochs, len(x))
    state = defense.begin(at.info)
    result = defense.step(model, Batch(x, y, torch.arange(len(x))), state, at)
    handle.remove()
    return result, state, seen


def loss_of(result):
    total, count = result.means["loss"]
    return float(total / count)


class Scripted(torch.nn.Module):
    """Right ("R") or wrong ("W") on class 0, call by call, whatever it is fed; the gradient always
    points down."""

    def __init__(self, verdicts):
        super().__init__()
        self.verdicts, self.calls = verdicts, 0
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, x):
        verdict = self.verdicts[self.calls]
        self.calls += 1
        lead = (1 if verdict == "R" else -1) + 0.01 * x.flatten(1).mean(1)
        return torch.stack([lead, torch.zeros_like(lead)], 1) * self.scale


def grey():
    """One image in the middle of the range, of class 0."""
    return torch.full((1, 1, 8, 8), 0.5), torch.zeros(1, dtype=torch.long)


def wide():
    """A WideResNet and random images."""
    torch.manual_seed(0)
    model = nets.build("wrn-28-4", (3, 8, 8), 4)
    return model, torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 3])


def running_updates(model):
    """How often batch norm's running statistics were updated, over all layers."""
    return {
        int(m.num_batches_tracked) for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)
    }


def same_gradients(model, other):
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    return all(torch.allclose(a.grad, b.grad, atol=1e-8, rtol=1e-5) for a, b in pairs)
