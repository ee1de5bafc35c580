"""CE-CW-PGD: several PGD runs on two losses, the worst of them for each sample (paper, Sec. 4).

MMA's "only white-box" attack: half of the runs climb the cross-entropy, half the margin of the
logits (Carlini and Wagner).
"""

from dataclasses import dataclass

from smd.attacks import AttackPlan
from smd.attacks.stages import Ascent
from smd.core import losses


@dataclass(frozen=True)
class CeCwPgd:
    """`runs` random starts, the first half on the cross-entropy, of `steps` steps each."""

    steps: int = 100
    runs: int = 10

    def plan(self, classes: int) -> AttackPlan:
        """See smd.attacks.Attack."""
        first = -(-self.runs // 2)
        stages = (
            Ascent("ce", losses.ce, self.steps, first),
            Ascent("cw", losses.margin, self.steps, self.runs - first),
        )
        return AttackPlan(tuple(stage for stage in stages if stage.runs))
