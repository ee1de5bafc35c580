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
from smd.config.schema import Value
from smd.core.lp import Norm
from smd.core.rng import Source
from smd.data.batches import Batch


@dataclass(frozen=True)
class RunInfo:
    """What a defense knows of the run that it trains."""

    n: int  # training samples
    epochs: int
    shape: tuple[int, ...]  # (C, H, W) or (C, D, H, W)
    device: torch.device  # where batches and states are
    norm: Norm = "Linf"  # h of Eq. 12-14, in which margins are lengths


@dataclass(frozen=True)
class StepContext:
    """The run, the epoch and the random generator of one step."""

    info: RunInfo
    epoch: int  # counted from 0
    generator: Source  # on the run's device; a function of seed, epoch and batch

    def at(self, epoch: int, of: int) -> bool:
        """Whether the run is as far as that epoch, counted from 0, is in a run of `of` epochs."""
        return self.epoch >= round(epoch / of * self.info.epochs)


@dataclass(frozen=True)
class StepResult:
    """What one step measured. Tensors stay on the device: reading one would wait for it."""

    clean_ok: Tensor | None  # (B,) bool, Flag1; None if the step classifies no clean images
    adv_ok: Tensor  # (B,) bool, Flag2; False where clean_ok is
    means: Mapping[str, tuple[Tensor, Tensor]] = field(default_factory=dict)  # name -> (sum, count)
    crossed: Tensor | None = None  # (B,) bool, a boundary was met; None without margins


class Defense(Protocol):
    """One training method."""

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """Per-sample state before the first step, each (N,), finite and >= 0; stored every epoch.

        "margin" is a length in the unit of x, other names have units of their own (see
        smd.registry.Defense).
        """
        ...

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """Leave the loss's gradient in the parameters and update the state of the batch's samples.

        The model is in train mode and has no gradients; the trainer takes the optimiser's step.

        Where several ranks share a batch each is given its own rows, of which there may be none:
        what the ranks leave as gradients adds up to that of the whole batch's loss, so means,
        counts and random numbers are over all ranks (smd.ranks.shard, smd.core.rng).
        """
        ...


def build(name: str, params: Mapping[str, Value]) -> Defense:
    """The defense of that name with those knobs; raises UserError for an unknown name."""
    entry = registry.find(registry.DEFENSES, name, "defense")
    defaults = {p.name: p.default for p in entry.params}
    return cast(Defense, registry.load(entry.target)(**{**defaults, **params}))
