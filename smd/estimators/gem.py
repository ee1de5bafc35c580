"""Gradual expansion: SMD's margin update on a fixed network (paper, Sec. 3.1, Alg. 1)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.core import losses, lp, pgd
from smd.core.lp import Norm
from smd.core.margin import gamma1, gamma2, initial_step, updated
from smd.estimators import Found
from smd.estimators.explore import explore


@dataclass(frozen=True)
class Gem:
    """Every margin starts at delta and expands by Eq. 12-14; rounds take the place of epochs.

    A sample takes some 22 forward and 21 backward passes a round, and 10 forward passes more where
    it crossed.
    """

    rounds: int = 50

    def estimate(
        self, model: nn.Module, x: Tensor, y: Tensor, norm: Norm, generator: torch.Generator
    ) -> Found:
        """See smd.estimators.Estimator. The smallest distance of all rounds that crossed counts."""
        shape = tuple(x.shape[1:])
        delta, unit = initial_step(self.rounds, shape, norm), lp.pixel(shape, norm)
        margin = distance = torch.full((len(x),), delta, device=x.device)
        nearest = torch.full_like(margin, torch.inf)
        correct = torch.ones_like(y, dtype=torch.bool)
        for _ in range(self.rounds):
            explored = explore(model, x, y, margin, norm)
            distance = lp.length(explored.x - x, norm)
            nearest = torch.where(explored.crossed, torch.minimum(nearest, distance), nearest)
            _, gradient = pgd.input_gradient(model, losses.ce, explored.x, y)
            growth = delta * gamma1(margin, unit) * gamma2(gradient, norm)
            margin = updated(margin, distance, growth, correct, explored.crossed)
        crossed = nearest.isfinite()
        return Found(torch.where(crossed, nearest, distance), crossed)
