"""Networks: pixels in [0, 1] in, logits out; any normalisation is the network's first layer.

Each has `.features(x)`, the penultimate layer, (B, F).
"""

from typing import Protocol, cast

from torch import Tensor, nn

from smd import registry
from smd.errors import UserError


class Classifier(Protocol):
    """What every network offers beside being an nn.Module."""

    def features(self, x: Tensor) -> Tensor:
        """The penultimate layer, (B, C, H, W) -> (B, F)."""
        ...


def check(name: str, size: int) -> None:
    """Raise a UserError if the network cannot take square images of that side."""
    entry = registry.find(registry.NETWORKS, name, "network")
    low, high = entry.sizes
    if not low <= size <= high:
        raise UserError(
            f"{name} takes images of {low} to {high} pixels a side, these have {size}: "
            "choose another network or resize the images."
        )


def build(name: str, channels: int, size: int, classes: int) -> nn.Module:
    """A freshly initialised network for images (B, channels, size, size) and that many classes."""
    check(name, size)
    return cast(nn.Module, registry.load(registry.NETWORKS[name].target)(channels, size, classes))
