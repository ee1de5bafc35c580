"""DAT: attacks that converge as far as the epoch demands, then stop (Wang et al. 2019)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.core import losses, lp, pgd, rng
from smd.core.rng import Source
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import attacking, every, learned

STEPS = 10
LIMIT = 0.5  # FOSC at which an attack stops in the first epoch
REACHED = 100 / 120  # share of the run after which it must converge fully


def fosc(noise: Tensor, gradient: Tensor, eps: float) -> Tensor:
    """First-order stationary condition of each sample, (B,) >= 0; 0: the attack has converged.

    noise: x_adv - x, in the eps ball; gradient: of each sample's own cross-entropy at x_adv.
    """
    return eps * gradient.abs().flatten(1).sum(1) - (noise * gradient).flatten(1).sum(1)


def uniform_unclipped(x: Tensor, eps: float, generator: Source) -> Tensor:
    """A random start in the eps ball around x that may leave [0, 1]."""
    return x + eps * (rng.like(x, generator, torch.rand) * 2 - 1)


@dataclass(frozen=True)
class DAT:
    """PGD in eval mode with a stop of its own for every sample.

    Follows the paper where its code differs: FOSC is measured from the clean image, and no sample's
    loss is weighted by itself. The published 0.031 is 8/255 here.
    """

    eps: float = 8 / 255  # noise level, in [0, 1]

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """Nothing is remembered."""
        return {}

    def limit(self, context: StepContext) -> float:
        """The FOSC at which an attack stops: falls linearly from 0.5 to 0 at epoch 100 of 120."""
        return max(LIMIT * (1 - context.epoch / (REACHED * context.info.epochs)), 0.0)

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """Mean cross-entropy of the attacked images; clean images are not looked at."""
        with attacking(model):
            x_adv = self._noisy(model, batch.x, batch.y, self.limit(context), context.generator)
        return learned(model, x_adv, batch.y, batch.weight)

    def _noisy(
        self, model: nn.Module, x: Tensor, y: Tensor, limit: float, generator: Source
    ) -> Tensor:
        """At most ten steps of a quarter of the noise level; the first is taken whatever FOSC is.

        A sample that stops stays where it is and so stopped: only the others are passed on.
        """
        x_adv = uniform_unclipped(x, self.eps, generator)
        rows = torch.arange(len(x), device=x.device)
        for k in range(STEPS):
            _, gradient = pgd.input_gradient(model, losses.ce, x_adv[rows], y[rows])
            if k:
                far = fosc(x_adv[rows] - x[rows], gradient, self.eps) > limit
                rows, gradient = rows[far], gradient[far]
            if not len(rows):
                break
            moved = x_adv[rows] + self.eps / 4 * gradient.sign()
            x_adv[rows] = lp.project(moved, x[rows], every(x[rows], self.eps), "Linf")
        return x_adv
