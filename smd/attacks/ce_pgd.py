"""CE-PGD: projected gradient ascent on the cross-entropy from a random start (paper, Sec. 4)."""

from dataclasses import dataclass

from smd.attacks import AttackPlan
from smd.attacks.stages import Ascent
from smd.core import losses


@dataclass(frozen=True)
class CePgd:
    """`steps` steps of a quarter of the noise level; the last iterate counts."""

    steps: int = 100

    def plan(self, classes: int) -> AttackPlan:
        """See smd.attacks.Attack."""
        return AttackPlan((Ascent("ce-pgd", losses.ce, self.steps),))
