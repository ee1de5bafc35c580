"""Networks: pixels in [0, 1] in, logits out; any normalisation is the network's first layer.

Each has `.features(x)`, the penultimate layer, (B, F).
"""

from typing import Protocol, cast

from torch import Tensor, nn

from smd import registry
from smd.errors import UserError


class Classifier(Protocol):
    """The methods of every network beside those of nn.Module."""

    def features(self, x: Tensor) -> Tensor:
        """The penultimate layer, (B, C, H, W) or (B, C, D, H, W) -> (B, F)."""
        ...


def build(name: str, shape: tuple[int, ...], classes: int) -> nn.Module:
    """A freshly initialised network for that many classes.

    shape: of an image (C, H, W), H = W, or of a volume (C, D, H, W). Raises UserError if there is
    no such network, or if it cannot take what has that shape.
    """
    entry = registry.find(registry.NETWORKS, name, "network")
    if problem := registry.shape_problem(entry, shape):
        raise UserError(problem)
    return cast(nn.Module, registry.load(entry.target)(shape, classes))
