"""Networks: pixels in [0, 1] in, logits out; any normalisation is the network's first layer.

Each has `.features(x)`, the penultimate layer, (B, F).
"""

from collections.abc import Sequence
from typing import Protocol, cast

from torch import Tensor, nn

from smd import registry
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.nets.normalized import Normalized


class Classifier(Protocol):
    """The methods of every network beside those of nn.Module."""

    def features(self, x: Tensor) -> Tensor:
        """The penultimate layer, (B, C, H, W) or (B, C, D, H, W) -> (B, F)."""
        ...


def build(
    name: str,
    shape: tuple[int, ...],
    classes: int,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    pretrained: bool = False,
) -> nn.Module:
    """A freshly initialised network for that many classes, or with its library's weights.

    shape: of an image (C, H, W), H = W, or of a volume (C, D, H, W). mean, std: of its first layer,
    (x - mean) / std, one number a channel or one for all; (): none. Raises UserError if there is no
    such network, or if it cannot take what has that shape.
    """
    entry = registry.find_network(name)
    if problem := registry.shape_problem(entry, shape):
        raise UserError(problem)
    if not entry.target:
        raise UserError(f"{entry.title} has no class to build it from: import its file.")
    builder = registry.load(entry.target)
    if entry.argument:
        network = builder(entry.argument, shape, classes, pretrained)
    elif pretrained:
        raise UserError(f"{name} has no pretrained weights: start it from a file or a run.")
    else:
        network = builder(shape, classes)
    return Normalized(network, shape[0], mean, std) if mean else cast(nn.Module, network)


def of_config(
    config: TrainConfig, shape: tuple[int, ...], classes: int, pretrained: bool = False
) -> nn.Module:
    """The network that a run trains or has trained, not filled with its weights; as `build`."""
    return build(config.net, shape, classes, config.mean, config.std, pretrained)
