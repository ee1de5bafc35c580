"""How far an image is proven to be robust: a lower bound of its margin (smd.estimators.bounds).

What is computed is a bound on the network as real numbers would compute it, in float64 with every
bound moved outward by more than it rounds. The network itself answers in float32, whose rounding no
bound here follows: an image counts as certified only where the true class leads by more than that
rounding moves logits by in practice (LEAD).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.core import losses, lp, pgd
from smd.core.lp import Norm
from smd.estimators import Found
from smd.estimators.bounds import Ball, certain
from smd.estimators.layers import chain
from smd.nets.modes import frozen

LEAD = 1e-4  # of the largest logit, by which the true class must lead
INWARD = 1e-6  # share by which a certified distance is made smaller, as float32 rounds noise


@dataclass(frozen=True)
class Certified:
    """Bisection of the radius, image by image; a margin is the largest radius that was proven."""

    rounds: int = 8

    def estimate(
        self, model: nn.Module, x: Tensor, y: Tensor, norm: Norm, generator: torch.Generator
    ) -> Found:
        """See smd.estimators.Estimator; margins are lower bounds, 0 where nothing is proven.

        Nothing is ever crossed. Raises UserError for a network whose bounds are not known.
        """
        with frozen(model):
            steps = chain(model)
            logits, gradient = pgd.input_gradient(model, losses.margin, x, y)
            flat = gradient.flatten(1).double()
            slope = flat.abs().sum(1) if norm == "Linf" else flat.norm(dim=1)
            # no certificate goes much farther than the boundary of the linear approximation
            high = -2 * losses.margin(logits, y).double() / slope.clamp_min(1e-12)
            high = high.clamp(max=lp.longest(tuple(x.shape[1:]), norm))
            lead = LEAD * logits.double().abs().amax(1)
            low = torch.zeros_like(high)
            for _ in range(self.rounds):
                radius = (low + high) / 2
                bound = certain(steps, Ball(x.double(), radius, norm), y)
                bound = bound.scatter(1, y[:, None], torch.inf).amin(1)
                proven = bound > lead
                low, high = torch.where(proven, radius, low), torch.where(proven, high, radius)
        margin = (low * (1 - INWARD)).to(x.dtype)
        return Found(margin, torch.zeros_like(y, dtype=torch.bool))
