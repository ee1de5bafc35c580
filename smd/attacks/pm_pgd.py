"""PM-PGD: projected gradient ascent on the margin of the probabilities.

The loss alone is that of the Probability Margin Attack, PMA (Xie et al. 2024). PMA's steps that
shrink, its first half, which climbs one probability only, and its early stop are not here: start,
steps and their lengths are CE-PGD's, so that the two differ in what they climb and in nothing else.
"""

from dataclasses import dataclass

from smd.attacks import AttackPlan
from smd.attacks.stages import Ascent
from smd.core import losses


@dataclass(frozen=True)
class PmPgd:
    """`steps` steps of a quarter of the noise level; the last iterate counts."""

    steps: int = 100

    def plan(self, classes: int) -> AttackPlan:
        """See smd.attacks.Attack."""
        return AttackPlan((Ascent("pm-pgd", losses.probability_margin, self.steps),))
