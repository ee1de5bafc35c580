"""Estimators: ways to measure the margins of a trained network, listed in smd.registry.ESTIMATORS.

An estimator is a frozen dataclass whose fields are its settings. A margin is the distance to the
decision boundary; whatever a search finds is an upper bound of it, as a nearer boundary may be
overlooked. A certificate (smd.estimators.certified) is a lower bound. What smoothing certifies
(smd.estimators.smoothing) is of another network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from smd import registry
from smd.config.schema import Value
from smd.core.lp import Norm


@dataclass(frozen=True)
class Found:
    """The estimated margins of a batch."""

    # (B,) unit of x: to a misclassified image (min-norm, fab), which bounds the distance from
    # above, or to the last correct point before one (gem, pgd), as training keeps it
    margin: Tensor
    crossed: Tensor  # (B,) bool; False: no boundary was met, margin is the length of the search,
    # or what is certified
    # (B,) bool of one that says `judges`: it is given all images, and which are right is its word
    right: Tensor | None = None


class Estimator(Protocol):
    """A named estimator of margins with its settings."""

    def estimate(
        self,
        model: nn.Module,  # in eval mode, its parameters frozen
        x: Tensor,  # (B, C, H, W) in [0, 1], classified correctly
        y: Tensor,  # (B,)
        norm: Norm,
        generator: torch.Generator,
    ) -> Found:
        """The margin of every sample.

        Where it crossed, an image at that distance, or at most 1/1024 of the searched line farther,
        is misclassified.
        """
        ...


def build(name: str, params: Mapping[str, Value]) -> Estimator:
    """The estimator of that name with those settings; raises UserError for an unknown name."""
    entry = registry.find(registry.ESTIMATORS, name, "method")
    defaults = {p.name: p.default for p in entry.params}
    return cast(Estimator, registry.load(entry.target)(**{**defaults, **params}))
