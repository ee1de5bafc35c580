"""Training methods: one small file each, listed in smd.registry.DEFENSES.

A defense is a frozen dataclass whose fields are its own true knobs. All that it remembers between
steps is a dict of per-sample tensors, which the trainer checkpoints and the store records.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from smd import registry
from smd.config import Value
from smd.data.batches import Batch


@dataclass(frozen=True)
class Plan:
    """What a defense may know of the run."""

    n: int  # training samples
    epochs: int
    shape: tuple[int, ...]  # (C, H, W)
    device: torch.device


@dataclass(frozen=True)
class Recipe:
    """SGD with momentum 0.9; the rate falls to 30, 10 and 3 % at 40, 60 and 80 % of the epochs (MMA's)."""

    lr: float = 0.3
    weight_decay: float = 2e-4
    drops: tuple[tuple[float, float], ...] = ((0.4, 0.3), (0.6, 0.1), (0.8, 0.03))

    def rate(self, epoch: int, epochs: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        passed = [factor for share, factor in self.drops if epoch >= round(share * epochs)]
        return self.lr * (passed[-1] if passed else 1.0)


@dataclass(frozen=True)
class Report:
    """What one step measured. Tensors stay on the device: reading one would wait for it."""

    clean_ok: Tensor  # (B,) bool, Flag1
    adv_ok: Tensor  # (B,) bool, Flag2; False where clean_ok is
    means: Mapping[str, tuple[Tensor, Tensor]] = field(default_factory=dict)  # name -> (sum, count)


class Defense(Protocol):
    """One training method."""

    @property
    def recipe(self) -> Recipe:
        """Optimiser and schedule."""
        ...

    def begin(self, plan: Plan) -> dict[str, Tensor]:
        """Per-sample state before the first step, each (N, ...); "margin" is recorded every epoch."""
        ...

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], plan: Plan, generator: torch.Generator
    ) -> Report:
        """Leave the loss's gradient in the parameters and update the state of the batch's samples.

        The model is in train mode and its gradients are zero; the trainer takes the optimiser's step.
        """
        ...


def build(name: str, params: Mapping[str, Value]) -> Defense:
    """The defense of that name with those knobs; raises UserError for an unknown name."""
    entry = registry.find(registry.DEFENSES, name, "defense")
    return cast(Defense, registry.load(entry.target)(**params))
