"""IAAT: adversarial training with a radius found by trial for every image (Balaji et al. 2019)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.core import losses, lp
from smd.core.rng import Source
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import ascended, cross_entropy, means, right
from smd.errors import UserError
from smd.nets.batchnorm import couples_samples

STEPS = 10
SHORTEST = 2 / 255  # step
WARM_UP = 8 / 255  # radius of the first 10 of 110 epochs


@dataclass(frozen=True)
class IAAT:
    """A radius follows the largest of three that its image withstands.

    gamma: how much larger or smaller a radius is tried, unit of x; beta: the weight of the one
    that is found, in [0, 1]. All attacks run in train mode, as in the original, so that running
    statistics move with every pass.
    """

    gamma: float = 1.9 / 255
    beta: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.beta <= 1:
            raise UserError(
                f"beta is {self.beta:g}: it is the weight of a new radius, choose one between 0"
                " and 1."
            )

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """The radius of the warm-up, which runs below six epochs do without."""
        return {"margin": torch.full((info.n,), WARM_UP, device=info.device)}

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """Adapt the radii, then the mean cross-entropy of PGD's images at the new ones."""
        x, y = batch.x, batch.y
        with torch.no_grad():
            logits = model(x)
        correct, old = right(logits, y), state["margin"][batch.idx]
        if context.at(10, of=110):
            radius = self._adapted(model, x, y, old, correct, context.generator)
        else:
            radius = WARM_UP * correct.to(old.dtype)
        state["margin"][batch.idx] = radius
        noisy = model(
            _attacked(model, x, y, radius, lp.uniform(x, radius, "Linf", context.generator))
        )
        loss = cross_entropy(noisy, y, batch.weight)
        loss.backward()
        clean = cross_entropy(logits, y, None)
        return StepResult(
            correct, correct & right(noisy, y), means({"loss": loss, "loss_clean": clean}, len(x))
        )

    def _adapted(
        self,
        model: nn.Module,
        x: Tensor,
        y: Tensor,
        old: Tensor,
        correct: Tensor,
        generator: Source,
    ) -> Tensor:
        """The new radii, (B,), unit of x: a share beta of what the image withstands, the rest old.

        That is the largest of old + gamma, old and old - gamma; 0 where the clean image is wrong.
        """
        larger = old + self.gamma
        wide = _withstood(model, x, y, larger, correct, generator)
        same = _withstood(model, x, y, old, correct & ~wide, generator)
        moved = torch.where(wide, larger, torch.where(same, old, old - self.gamma))
        return self.beta * (moved * correct).clamp_min(0) + (1 - self.beta) * old


def _attacked(model: nn.Module, x: Tensor, y: Tensor, radius: Tensor, start: Tensor) -> Tensor:
    """PGD's last iterate, (B, C, H, W); a step is a fifth of the radius, but at least 2/255."""
    step = (radius / (STEPS / 2)).clamp_min(SHORTEST)
    return ascended(model, losses.ce, x, y, radius, step, STEPS, start)


@torch.no_grad()
def _withstood(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    radius: Tensor,
    asked: Tensor,
    generator: Source,
) -> Tensor:
    """Which samples of the mask `asked` are correct at PGD's last iterate, (B,) bool.

    Under batch norm the whole batch is attacked, for its statistics.
    """
    start = lp.uniform(x, radius, "Linf", generator)
    if couples_samples(model, x):
        rows = torch.arange(len(x), device=x.device)
    elif not len(rows := asked.nonzero().squeeze(1)):
        return asked
    far = _attacked(model, x[rows], y[rows], radius[rows], start[rows])
    return asked.index_copy(0, rows, asked[rows] & right(model(far), y[rows]))
