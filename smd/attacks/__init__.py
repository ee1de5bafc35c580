"""Attacks: one small file each, listed in smd.registry.ATTACKS.

An attack is a frozen dataclass whose fields are its settings. It only proposes images: smd.evaluate
checks them and judges them anew.
"""

from collections.abc import Mapping
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from smd import registry
from smd.config import Value
from smd.lp import Norm


class Attack(Protocol):
    """One way to look for adversarial examples."""

    def perturb(
        self,
        model: nn.Module,  # in eval mode
        x: Tensor,  # (B, C, H, W) in [0, 1]
        y: Tensor,  # (B,)
        eps: float,  # noise level, unit of x
        norm: Norm,
        generator: torch.Generator,
    ) -> Tensor:
        """Images (B, C, H, W) in [0, 1], no farther than eps from x."""
        ...


def build(name: str, params: Mapping[str, Value]) -> Attack:
    """The attack of that name with those settings; raises UserError for an unknown name."""
    entry = registry.find(registry.ATTACKS, name, "attack")
    defaults = {p.name: p.default for p in entry.params}
    return cast(Attack, registry.load(entry.target)(**{**defaults, **params}))
