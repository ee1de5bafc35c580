"""Attacks: one small file each, listed in smd.registry.ATTACKS.

An attack is a frozen dataclass whose fields are its settings. It has stages, each tried on the
samples that withstood those before; a stage only proposes images, which smd.evaluation.evaluate
checks and classifies.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from smd import registry
from smd.config.schema import Value
from smd.core import rng
from smd.core.lp import Norm
from smd.version import __version__


@dataclass(frozen=True)
class BatchContext:
    """What a stage knows of the attack and of its batch, and the flags that it may raise."""

    seed: int  # of the attack
    batch: int  # counted from 0 within the stage
    eps: float  # noise level, unit of x
    norm: Norm
    flags: set[str] = field(default_factory=set)  # keys of smd.analysis.flags.FLAGS
    # By "nearest", (B,): within what noise a stage would break each image, whatever the level, of
    # one whose search knows none; nan where that is not known. Other stages say nothing.
    told: dict[str, Tensor] = field(default_factory=dict)

    def generator(self, device: torch.device, stage: str) -> torch.Generator:
        """A generator for this batch alone, so that a resumed attack draws the same."""
        return rng.generator(device, self.seed, stage, round(self.eps * 255 * 1000), self.batch)


class Stage(Protocol):
    """A search for adversarial images, one of those that an attack is made of."""

    @property
    def name(self) -> str:
        """As it is stored and shown."""
        ...

    @property
    def cost(self) -> float:
        """Forward passes a sample, roughly; a gradient counts as three."""
        ...

    @property
    def deterministic(self) -> bool:
        """Whether it draws nothing: all seeds have the same verdicts, of a network that answers the
        same again; of others it raises the flag RANDOMIZED."""
        ...

    def perturb(
        self,
        model: nn.Module,  # in eval mode, its parameters frozen
        x: Tensor,  # (B, C, H, W) in [0, 1], classified correctly
        y: Tensor,  # (B,)
        context: BatchContext,
    ) -> Tensor:
        """Images (B, C, H, W) in [0, 1], no farther than context.eps from x."""
        ...


def _no_flags_before(model: nn.Module, x: Tensor, y: Tensor) -> set[str]:
    return set()


def _no_flags_after(accuracies: Mapping[str, float]) -> set[str]:
    return set()


@dataclass(frozen=True)
class AttackPlan:
    """The stages of an attack in order, and its checks of a network; all of it can be pickled."""

    stages: tuple[Stage, ...]
    note: str = ""  # a sentence that its results are shown with
    package: str = "smd"
    version: str = __version__
    # Flags about a network by its answers to the first clean images (B, C, H, W), (B,).
    flags_before: Callable[[nn.Module, Tensor, Tensor], set[str]] = _no_flags_before
    # Flags by the accuracy in [0, 1] after each stage, in order, the clean one first.
    flags_after: Callable[[Mapping[str, float]], set[str]] = _no_flags_after


class Attack(Protocol):
    """A named attack with its settings."""

    def plan(self, classes: int) -> AttackPlan:
        """Its plan for a network of that many classes."""
        ...


def build(name: str, params: Mapping[str, Value]) -> Attack:
    """The attack of that name with those settings; raises UserError for an unknown name."""
    entry = registry.find(registry.ATTACKS, name, "attack")
    defaults = {p.name: p.default for p in entry.params}
    return cast(Attack, registry.load(entry.target)(**{**defaults, **params}))
