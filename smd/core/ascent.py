"""Ascent that keeps the best it met: Auto-PGD of F. Croce and M. Hein, ICML 2020, with any loss.

The step is halved where an image's loss no longer rises, and the image goes on from its best point.
`highest` goes on to its end; a `Climb` may be left by images one by one.
"""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from smd.core import lp, pgd
from smd.core.losses import Loss
from smd.core.lp import Norm

PUSH = 0.75  # of the new direction; the rest is momentum
RISING = 0.75  # share of steps that must raise the loss, or the step is halved


@dataclass
class Climb:
    """Where each image of a batch is; `value` is the loss at `point`, (B,)."""

    point: Tensor  # (B, C, H, W)
    logits: Tensor  # (B, K), at the point
    before: Tensor  # (B, C, H, W), the iterate before it
    gradient: Tensor  # (B, C, H, W), at the point
    value: Tensor
    best: Tensor  # (B,) the highest loss
    best_point: Tensor  # (B, C, H, W)
    best_gradient: Tensor  # (B, C, H, W)
    step: Tensor  # (B,) unit of x
    rose: Tensor  # (B,) steps since the last look that raised the loss
    best_before: Tensor  # (B,) the highest loss at the last look
    halved: Tensor  # (B,) bool, the step was halved at the last look

    def only(self, rows: Tensor) -> "Climb":
        """The climb of some of its images; rows: (b,) positions."""
        return Climb(*(getattr(self, field.name)[rows] for field in fields(self)))


def highest(
    model: nn.Module,
    loss: Loss,
    x: Tensor,  # (B, C, H, W) in [0, 1], the centres
    y: Tensor,  # (B,) what the loss is given
    eps: float,  # unit of x
    steps: int,
    norm: Norm,
    start: Tensor,  # (B, C, H, W) in the ball
) -> Tensor:
    """The highest loss that the ascent meets, its start included: (B,)."""
    radius = torch.full((len(x),), eps, device=x.device, dtype=x.dtype)
    climb, looks, last = begun(model, loss, start, y, 2 * radius), looks_at(steps), 0
    for k in range(steps):
        move(climb, x, radius, norm, PUSH if k else 1.0)
        look_around(climb, model, loss, y)
        if k + 1 in looks:
            halve(climb, k + 1 - last)
            last = k + 1
    return climb.best


def looks_at(steps: int) -> set[int]:
    """After which steps the step's length is looked at: after 22 % of them, then ever sooner."""
    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return {math.ceil(share * steps) for share in shares[1:]}


def begun(model: nn.Module, loss: Loss, start: Tensor, y: Tensor, step: Tensor) -> Climb:
    """Before the first step; start: (B, C, H, W), step: (B,) its length at first, unit of x."""
    logits, gradient = pgd.input_gradient(model, loss, start, y)
    value = loss(logits, y)
    none = torch.zeros_like(value)
    at = (start, logits, start, gradient, value, value, start, gradient)
    return Climb(*at, step, none, value, none.bool())


def move(climb: Climb, x: Tensor, radius: Tensor, norm: Norm, push: float) -> None:
    """One step along the gradient, then a share of the last move."""
    point, step = climb.point, lp.per_sample(climb.step, x)
    ahead = lp.project(point + step * lp.unit_step(climb.gradient, norm), x, radius, norm)
    moved = point + push * (ahead - point) + (1 - push) * (point - climb.before)
    climb.point, climb.before = lp.project(moved, x, radius, norm), point


def look_around(climb: Climb, model: nn.Module, loss: Loss, y: Tensor) -> None:
    """Loss and gradient at the new point; what is best."""
    climb.logits, climb.gradient = pgd.input_gradient(model, loss, climb.point, y)
    value = loss(climb.logits, y)
    climb.rose = climb.rose + (value > climb.value)
    better = value > climb.best
    climb.value, climb.best = value, torch.where(better, value, climb.best)
    chosen = lp.per_sample(better, climb.point)
    climb.best_point = torch.where(chosen, climb.point, climb.best_point)
    climb.best_gradient = torch.where(chosen, climb.gradient, climb.best_gradient)


def halve(climb: Climb, taken: int) -> None:
    """Halve the steps of images whose loss rose too seldom, or no longer; they return to their
    best.

    taken: steps since the last look.
    """
    stuck = ~climb.halved & (climb.best <= climb.best_before)
    short = (climb.rose < RISING * taken) | stuck
    chosen = lp.per_sample(short, climb.point)
    climb.step = torch.where(short, climb.step / 2, climb.step)
    climb.point = torch.where(chosen, climb.best_point, climb.point)
    climb.before = torch.where(chosen, climb.best_point, climb.before)
    climb.gradient = torch.where(chosen, climb.best_gradient, climb.gradient)
    climb.value = torch.where(short, climb.best, climb.value)
    climb.rose, climb.best_before = torch.zeros_like(climb.rose), climb.best
    climb.halved = short
