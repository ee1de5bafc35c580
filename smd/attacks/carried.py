"""A stage that tries nothing: what earlier attacks and certificates tell stands in its place.

A sample that broke inside a smaller ball is broken in every larger one, whichever attack, level and
seed it was; one that is certified is robust. See smd.tasks.sound.
"""

from dataclasses import dataclass, replace

from torch import Tensor, nn

from smd.attacks import AttackPlan, BatchContext

NAME = "an earlier attack"  # as "fooled by" says it


@dataclass(frozen=True)
class Carried:
    """The stage in front of an attack's own."""

    name: str = NAME
    cost: float = 0.0  # nothing is computed
    deterministic: bool = True

    def perturb(self, model: nn.Module, x: Tensor, y: Tensor, context: BatchContext) -> Tensor:
        """See smd.attacks.Stage; the images themselves."""
        return x


def carrying(plan: AttackPlan) -> AttackPlan:
    """The plan with that stage in front."""
    return replace(plan, stages=(Carried(), *plan.stages))
