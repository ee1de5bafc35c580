"""Ascent that goes on to its end and keeps the best it met: Auto-PGD of F. Croce and M. Hein, ICML
2020, with any loss.

The step is halved where an image's loss no longer rises, and the image goes on from its best point.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.core import lp, pgd
from smd.core.losses import Loss
from smd.core.lp import Norm

PUSH = 0.75  # of the new direction; the rest is momentum
RISING = 0.75  # share of steps that must raise the loss, or the step is halved


@dataclass
class _Climb:
    """Where each image of a batch is; `value` is the loss at `point`, (B,)."""

    point: Tensor  # (B, C, H, W)
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
    climb, looks, last = _begun(model, loss, start, y, 2 * radius), looks_at(steps), 0
    for k in range(steps):
        _move(climb, x, radius, norm, PUSH if k else 1.0)
        _look_around(climb, model, loss, y)
        if k + 1 in looks:
            _halve(climb, k + 1 - last)
            last = k + 1
    return climb.best


def looks_at(steps: int) -> set[int]:
    """After which steps the step's length is looked at: after 22 % of them, then ever sooner."""
    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return {math.ceil(share * steps) for share in shares[1:]}


def _begun(model: nn.Module, loss: Loss, start: Tensor, y: Tensor, step: Tensor) -> _Climb:
    logits, gradient = pgd.input_gradient(model, loss, start, y)
    value = loss(logits, y)
    none = torch.zeros_like(value)
    at = (start, start, gradient, value, value, start, gradient)
    return _Climb(*at, step, none, value, none.bool())


def _move(climb: _Climb, x: Tensor, radius: Tensor, norm: Norm, push: float) -> None:
    """One step along the gradient, then a share of the last move."""
    point, step = climb.point, lp.per_sample(climb.step, x)
    ahead = lp.project(point + step * lp.unit_step(climb.gradient, norm), x, radius, norm)
    moved = point + push * (ahead - point) + (1 - push) * (point - climb.before)
    climb.point, climb.before = lp.project(moved, x, radius, norm), point


def _look_around(climb: _Climb, model: nn.Module, loss: Loss, y: Tensor) -> None:
    """Loss and gradient at the new point; what is best."""
    logits, climb.gradient = pgd.input_gradient(model, loss, climb.point, y)
    value = loss(logits, y)
    climb.rose = climb.rose + (value > climb.value)
    better = value > climb.best
    climb.value, climb.best = value, torch.where(better, value, climb.best)
    chosen = lp.per_sample(better, climb.point)
    climb.best_point = torch.where(chosen, climb.point, climb.best_point)
    climb.best_gradient = torch.where(chosen, climb.gradient, climb.best_gradient)


def _halve(climb: _Climb, taken: int) -> None:
    """Halve the steps of images whose loss rose too seldom, or no longer; they return to their
    best."""
    stuck = ~climb.halved & (climb.best <= climb.best_before)
    halve = (climb.rose < RISING * taken) | stuck
    chosen = lp.per_sample(halve, climb.point)
    climb.step = torch.where(halve, climb.step / 2, climb.step)
    climb.point = torch.where(chosen, climb.best_point, climb.point)
    climb.before = torch.where(chosen, climb.best_point, climb.before)
    climb.gradient = torch.where(chosen, climb.best_gradient, climb.gradient)
    climb.value = torch.where(halve, climb.best, climb.value)
    climb.rose, climb.best_before = torch.zeros_like(climb.rose), climb.best
    climb.halved = halve
