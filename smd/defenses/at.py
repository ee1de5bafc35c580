"""AT: cross-entropy on images attacked by PGD, with one noise level for all (Madry et al. 2018)."""

from dataclasses import dataclass

from torch import Tensor, nn

from smd.core import losses, lp
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import ascended, every, learned

STEP = 2 / 255  # the published one, for every noise level


@dataclass(frozen=True)
class AT:
    """PGD from a random start in train mode, which moves running statistics, as published."""

    eps: float = 8 / 255  # noise level, in [0, 1]
    steps: int = 20  # K

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """Nothing is remembered."""
        return {}

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """Mean cross-entropy of the last iterates; clean images are not looked at."""
        eps = every(batch.x, self.eps)
        start = lp.uniform(batch.x, eps, "Linf", context.generator)
        length = every(batch.x, STEP)
        return learned(
            model,
            ascended(model, losses.ce, batch.x, batch.y, eps, length, self.steps, start),
            batch.y,
            batch.weight,
        )
