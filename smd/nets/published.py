"""Weights under the names that others publish them with, by a network's own names."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from smd.nets.normalized import Normalized


@dataclass(frozen=True)
class Renamed:
    """Tensors by a network's own names, and sentences on what was left out of them."""

    tensors: dict[str, Tensor]
    notes: tuple[str, ...] = ()


def renamed(model: nn.Module, tensors: Mapping[str, Tensor]) -> Renamed:
    """As the network names its own; unchanged where it knows no other names for them.

    A network knows others' names by a method `renamed(tensors) -> Renamed`. A normalisation before
    it has no part in this: the names are those of the network behind it.
    """
    network = model.network if isinstance(model, Normalized) else model
    rename = getattr(network, "renamed", None)
    answer = rename(tensors) if callable(rename) else None
    return answer if isinstance(answer, Renamed) else Renamed(dict(tensors))
