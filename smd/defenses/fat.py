"""FAT: friendly adversarial training; PGD stops soon after the boundary (Zhang et al. 2020a)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.core import lp, rng
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import attacking, cross_entropy, every, means, right
from smd.defenses.stopping import Enough, stopping_pgd

STEPS = 10
OMEGA = 0.001  # standard deviation of the noise added to every step


def stride(eps: float) -> float:
    """The step, unit of x: the published 0.007, or eps / 4 beyond 16/255, where ten fall short."""
    return 0.007 if eps <= 16 / 255 else eps / 4


@dataclass(frozen=True)
class FAT:
    """Cross-entropy of the first image that is wrong once more than tau iterates have been.

    eps: radius in the unit of x; 8/255 where the original rounds to 0.031. The attack runs in eval
    mode.
    """

    eps: float = 8 / 255

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """steps: how many gradient steps the sample's image took, 0 to 10."""
        return {"steps": torch.zeros(info.n, device=info.device)}

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """Mean cross-entropy of the emitted images; there is no clean term."""
        x, y = batch.x, batch.y
        start = lp.uniform(x, every(x, self.eps), "Linf", context.generator)

        def noise() -> Tensor:
            return OMEGA * rng.like(x, context.generator, torch.randn)

        with attacking(model):
            x_adv, taken = stopping_pgd(
                model,
                x,
                y,
                start,
                self.eps,
                stride(self.eps),
                STEPS,
                _patience(y, tau(context)),
                noise,
            )
        state["steps"][batch.idx] = taken
        logits = model(x_adv)
        loss = cross_entropy(logits, y, batch.weight)
        loss.backward()
        return StepResult(None, right(logits, y), means({"loss": loss}, len(y)))


def tau(context: StepContext) -> int:
    """How many wrong iterates a sample is moved on from: 0, 1 from epoch 51 of 120, 2 from 91."""
    return int(context.at(50, 120)) + int(context.at(90, 120))


def _patience(y: Tensor, tau: int) -> Enough:
    """True at a wrong iterate after tau earlier wrong ones, not necessarily in a row."""
    left = torch.full_like(y, tau)

    def enough(rows: Tensor, logits: Tensor) -> Tensor:
        wrong = logits.argmax(1) != y[rows]
        out_of_patience = wrong & (left[rows] == 0)
        left[rows] -= wrong.long()
        return out_of_patience

    return enough
