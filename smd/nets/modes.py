"""The mode of a network while it is attacked or evaluated."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Within, the model is in eval mode and its parameters take no gradients, as attacks would."""
    model.eval()
    free = [p for p in model.parameters() if p.requires_grad]
    for p in free:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in free:
            p.requires_grad_(True)
