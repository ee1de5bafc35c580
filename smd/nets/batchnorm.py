"""Batch norm while attacking: batch statistics are used, running statistics stay untouched."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def couples_samples(model: nn.Module) -> bool:
    """Whether a sample's logits depend on the others of its batch in train mode."""
    return any(isinstance(m, _BatchNorm) for m in model.modules())


@contextmanager
def statistics_kept(model: nn.Module) -> Iterator[None]:
    """Within, forward passes in train mode leave the running statistics as they are."""
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
