"""The mode of a network while it is attacked or evaluated."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn

from smd.core.precision import computing


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Put the model in eval mode; within, its parameters take no gradients, and it computes in
    float32, however it was trained and whatever the device would allow."""
    model.eval()
    free = [p for p in model.parameters() if p.requires_grad]
    for p in free:
        p.requires_grad_(False)
    try:
        with computing("float32", _device(model)):
            yield
    finally:
        for p in free:
            p.requires_grad_(True)


def _device(model: nn.Module) -> torch.device:
    """Where the network is; the CPU where it has no tensors."""
    first = next(chain(model.parameters(), model.buffers()), None)
    return torch.device("cpu") if first is None else first.device
