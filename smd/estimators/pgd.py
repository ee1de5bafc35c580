"""PGD with one noise level for all samples, as MMA estimates margins (paper, Sec. 2.5, Fig. 5)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.core import lp
from smd.core.lp import Norm
from smd.estimators import Found
from smd.estimators.explore import explore


@dataclass(frozen=True)
class Pgd:
    """A single exploration as far as eps, unit of x; the larger eps, the more it overestimates.

    A sample takes 21 forward and 20 backward passes, and 10 forward passes more where it crossed.
    """

    eps: float = 8 / 255

    def estimate(
        self, model: nn.Module, x: Tensor, y: Tensor, norm: Norm, generator: torch.Generator
    ) -> Found:
        """See smd.estimators.Estimator. Uncrossed samples get the distance of the last iterate."""
        explored = explore(model, x, y, torch.full((len(x),), self.eps, device=x.device), norm)
        return Found(lp.length(explored.x - x, norm), explored.crossed)
