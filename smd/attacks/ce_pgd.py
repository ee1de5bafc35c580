"""CE-PGD: projected gradient ascent on the cross-entropy from a random start (paper, Sec. 4)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd import losses, lp, pgd
from smd.lp import Norm


@dataclass(frozen=True)
class CePgd:
    """`steps` steps of a quarter of the noise level; the last iterate counts."""

    steps: int = 100

    def perturb(
        self, model: nn.Module, x: Tensor, y: Tensor, eps: float, norm: Norm, generator: torch.Generator
    ) -> Tensor:
        """See smd.attacks.Attack."""
        radius = torch.full((len(x),), eps, device=x.device)
        start = lp.uniform(x, radius, norm, generator)
        found, _ = pgd.last_iterate(model, losses.ce, x, y, radius, radius / 4, self.steps, norm, start)
        return found
