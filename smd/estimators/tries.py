"""Tries of Auto-PGD, each image in a ball of its own, which it leaves as soon as it breaks."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.core import ascent
from smd.core.losses import Loss
from smd.core.lp import Norm
from smd.estimators.nearest import misclassified


@dataclass(frozen=True)
class Tried:
    """What a try has come to, image by image."""

    point: Tensor  # (B, C, H, W) misclassified where broken, else where the loss was highest
    broken: Tensor  # (B,) bool
    steps: Tensor  # (B,) taken


@torch.no_grad()
def attempt(
    model: nn.Module,
    loss: Loss,
    x: Tensor,  # (B, C, H, W) in [0, 1], the centres
    y: Tensor,  # (B,) true classes
    goal: Tensor,  # (B, ...) what the loss is given
    radius: Tensor,  # (B,) unit of x
    steps: int,
    norm: Norm,
    start: Tensor,  # (B, C, H, W) in the balls
    first: float = 2.0,  # length of the first step, in radii
) -> Tried:
    """Climb the loss until the image is misclassified, at most so many steps."""
    point, rows = start.clone(), torch.arange(len(x), device=x.device)
    broken, taken = torch.zeros_like(y, dtype=torch.bool), torch.full_like(y, steps)
    climb = ascent.begun(model, loss, start, goal, first * radius)
    looks, last = ascent.looks_at(steps), 0
    for k in range(steps + 1):
        wrong = misclassified(climb.logits, y)
        if wrong.any():
            fallen, kept = rows[wrong], (~wrong).nonzero().squeeze(1)
            point[fallen], broken[fallen], taken[fallen] = climb.point[wrong], True, k
            climb, rows = climb.only(kept), rows[kept]
            x, y, goal, radius = x[kept], y[kept], goal[kept], radius[kept]
        if k == steps or not len(rows):
            break
        ascent.move(climb, x, radius, norm, ascent.PUSH if k else 1.0)
        ascent.look_around(climb, model, loss, goal)
        if k + 1 in looks:
            ascent.halve(climb, k + 1 - last)
            last = k + 1
    point[rows] = climb.best_point
    return Tried(point, broken, taken)
