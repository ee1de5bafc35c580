"""ATES: adversarial training with early stopping as a curriculum (Sitawarin et al. 2020)."""

from dataclasses import dataclass

from torch import Tensor, nn

from smd.core import losses, lp
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import attacking, cross_entropy, every, means, right
from smd.defenses.stopping import Enough, stopping_pgd

STEPS = 10
RAMP = 0.6  # share of the run over which the gap rises from 0 to 1


@dataclass(frozen=True)
class ATES:
    """Cross-entropy of images that PGD moved only until they were as hard as the epoch asks for.

    eps: radius in the unit of x; a step is a quarter of it. The attack runs in eval mode. The
    published text leaves the steps and the curriculum's values to the configuration: these ones are
    ours.
    """

    eps: float = 8 / 255

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """Nothing is remembered."""
        return {}

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """Mean cross-entropy of the attacked images; there is no clean term."""
        x, y = batch.x, batch.y
        start = lp.uniform(x, every(x, self.eps), "Linf", context.generator)
        with attacking(model):
            x_adv, _ = stopping_pgd(
                model, x, y, start, self.eps, self.eps / 4, STEPS, _harder(y, gap(context))
            )
        logits = model(x_adv)
        loss = cross_entropy(logits, y, batch.weight)
        loss.backward()
        return StepResult(None, right(logits, y), means({"loss": loss}, len(y)))


def gap(context: StepContext) -> float:
    """The lead in probability that ends an image's ascent: 0, the boundary, rising to 1, never met.

    It is 0 in the first epoch and 1 from 60 % of the run on.
    """
    return min(1.0, context.epoch / (RAMP * context.info.epochs))


def _harder(y: Tensor, gap: float) -> Enough:
    """True where the likeliest other class leads the true one by more than `gap` in probability."""

    def enough(rows: Tensor, logits: Tensor) -> Tensor:
        return losses.margin(logits.softmax(1), y[rows]) > gap

    return enough
