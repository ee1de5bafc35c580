"""The stage that our own attacks are made of: projected gradient ascent from random starts."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.attacks import BatchContext
from smd.core import lp, pgd
from smd.core.losses import Loss


@dataclass(frozen=True)
class Ascent:
    """`runs` random starts of `steps` steps, each eps / 4 long (advertorch's rule)."""

    name: str
    loss: Loss
    steps: int
    runs: int = 1

    @property
    def cost(self) -> float:
        """See smd.attacks.Stage."""
        return 3.0 * self.steps * self.runs

    @property
    def deterministic(self) -> bool:
        """See smd.attacks.Stage: its starts are random."""
        return False

    def perturb(self, model: nn.Module, x: Tensor, y: Tensor, context: BatchContext) -> Tensor:
        """The last iterate of the first run that breaks a sample, else that of its last run.

        Within a run no sample stops early: only the last iterate counts.
        """
        generator = context.generator(x.device, self.name)
        x_adv, left = x.clone(), torch.arange(len(x), device=x.device)
        for _ in range(self.runs):
            radius = torch.full((len(left),), context.eps, device=x.device)
            start = lp.uniform(x[left], radius, context.norm, generator)
            batch, lengths = (x[left], y[left]), (radius, radius / 4)
            x_adv[left], logits = pgd.last_iterate(
                model, self.loss, *batch, *lengths, self.steps, context.norm, start
            )
            left = left[logits.argmax(1) == y[left]]
            if not len(left):
                break
        return x_adv
