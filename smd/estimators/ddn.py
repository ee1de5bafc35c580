"""Decoupled direction and norm: a minimum-norm attack in L2 (Rony et al. 2019, Alg. 1).

arXiv:1811.09600. The noise follows the gradient, but its length is set apart from it: a little
shorter after a misclassified iterate, a little longer after a correct one, so that it goes to and
fro over the decision boundary while the direction settles.
"""

import math

import torch
from torch import Tensor, nn

from smd.core import lp, pgd
from smd.core.losses import Loss
from smd.estimators.nearest import misclassified

CHANGE = 0.05  # gamma: share by which the length changes in a step
LAST = 0.01  # length of the last step, as a share of the first


@torch.no_grad()
def ddn(
    model: nn.Module,
    loss: Loss,
    x: Tensor,  # (B, C, H, W) in [0, 1], classified correctly
    y: Tensor,  # (B,)
    length: Tensor,  # (B,) of the noise at first, and of the first step, unit of x
    steps: int,
) -> tuple[Tensor, Tensor]:
    """The nearest misclassified iterates, shaped like x, and which there are, (B,) bool.

    The paper begins with length 1 whatever the network; here the caller tells one of the boundary's
    scale. A step is a forward and a backward pass; one more forward pass looks at the last iterate.
    """
    noise, point, first = torch.zeros_like(x), x.clone(), length
    nearest = torch.full_like(length, torch.inf)
    for k in range(steps + 1):
        logits, gradient = pgd.input_gradient(model, loss, x + noise, y)
        wrong, reached = misclassified(logits, y), lp.length(noise, "L2")
        better = wrong & (reached < nearest)
        nearest = torch.where(better, reached, nearest)
        point = torch.where(lp.per_sample(better, x), x + noise, point)
        anneal = LAST + (1 - LAST) * (1 + math.cos(math.pi * k / steps)) / 2
        noise = noise + lp.per_sample(anneal * first, x) * lp.unit_step(gradient, "L2")
        length = length * torch.where(wrong, 1 - CHANGE, 1 + CHANGE)
        ahead = lp.length(noise, "L2").clamp_min(torch.finfo(x.dtype).tiny)
        noise = (x + noise * lp.per_sample(length / ahead, x)).clamp(0, 1) - x
    return point, nearest.isfinite()
