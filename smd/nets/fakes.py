"""A network's passes on fake tensors: shapes and sizes, no arithmetic and no memory."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.func import functional_call


@dataclass(frozen=True)
class FakePasses:
    """A network whose tensors are all fake."""

    model: nn.Module
    state: Mapping[str, Tensor]  # its weights and buffers

    def __call__(self, shape: tuple[int, ...]) -> tuple[Tensor, object]:
        """A batch of that shape, which takes gradients, and the network's answer."""
        x = torch.empty(shape, requires_grad=True)
        return x, functional_call(self.model, dict(self.state), (x,))


def outline_of(model: nn.Module) -> nn.Module:
    """A copy of the modules that shares their tensors: what a pass leaves in them is not kept."""
    kept = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    with suppress(Exception):  # what cannot be copied is looked at itself
        return copy.deepcopy(model, kept)
    return model


@contextmanager
def fake_passes(model: nn.Module) -> Iterator[FakePasses]:
    """Within, fake batches go through the network.

    model: as of `outline_of`; on any device, "meta" too. Its statistics and the random numbers stay
    as they are.
    """
    # what a network makes as it works shall stand where its weights do
    with FakeTensorMode(allow_non_fake_inputs=True), torch.device("cpu"):
        tensors = (*model.named_parameters(), *model.named_buffers())
        yield FakePasses(model, {name: _fake(tensor) for name, tensor in tensors})


def _fake(tensor: Tensor) -> Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, requires_grad=tensor.requires_grad)
