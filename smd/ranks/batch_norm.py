"""Batch norm over the rows of all ranks: statistics, running ones and gradients are the batch's.

Whatever a network has, layers or calls, comes to `F.batch_norm` in the end; within `Synchronised`
that is taken over. The ranks exchange once in a forward and once in a backward pass.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from smd.ranks import shard
from smd.ranks.group import Group


@dataclass(frozen=True)
class _Call:
    """The arguments of F.batch_norm."""

    input: Tensor  # (B, C, ...)
    running_mean: Tensor | None  # (C,)
    running_var: Tensor | None  # (C,)
    weight: Tensor | None = None  # (C,)
    bias: Tensor | None = None  # (C,)
    training: bool = False  # with the batch's statistics, which move the running ones
    momentum: float = 0.1
    eps: float = 1e-5


class _Mode(TorchFunctionMode):
    """Within, batch norm that uses a batch's statistics is answered by `answer`."""

    def answer(self, call: _Call) -> Tensor:
        """(B, C, ...), normalised."""
        raise NotImplementedError

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What torch asks for every call within."""
        kwargs = kwargs or {}
        if func is F.batch_norm and (call := _Call(*args, **kwargs)).training:
            return self.answer(call)
        return func(*args, **kwargs)


class Apart(_Mode):
    """Batch norm that keeps the rows apart: where they still depend on each other, something else
    than batch norm couples them."""

    def answer(self, call: _Call) -> Tensor:
        """Scaled and shifted only."""
        none = call.input.new_zeros(call.input.shape[1])
        return F.batch_norm(call.input, none, none + 1, call.weight, call.bias, eps=call.eps)


class Synchronised(_Mode):
    """Batch norm over the rows of all ranks, which must come to it alike."""

    def __init__(self, group: Group) -> None:
        super().__init__()
        self.group = group

    def answer(self, call: _Call) -> Tensor:
        """Normalised by the statistics of all ranks' rows; running ones move alike on all."""
        x = call.input
        count, mean, squares = _moments(x, self.group)
        if x[0, 0].numel() == 1 and len(x) < 2 and int(count) < 2:  # as torch does alone
            raise ValueError(f"Expected more than 1 value per channel when training, got {x.shape}")
        variance = squares / count
        for running, value in (
            (call.running_mean, mean),
            (call.running_var, squares / (count - 1)),
        ):
            if running is not None:
                running.lerp_(value.to(running.dtype), call.momentum)
        scale = (variance + call.eps).rsqrt()
        given = (x, call.weight, call.bias, mean, scale, count, self.group)
        answer: Tensor = _Normalised.apply(*given)
        return answer


@torch.no_grad()
def _moments(x: Tensor, group: Group) -> tuple[Tensor, Tensor, Tensor]:
    """Values a channel, their mean (C,) and their squared distances from it (C,), of all ranks:
    each rank's own moments are exchanged, so that no large sums are subtracted."""
    dims = [0, *range(2, x.dim())]
    values = x.to(torch.promote_types(x.dtype, torch.float32))
    own = shard.present(x)
    count = values.new_full((x.shape[1],), own * x[0, 0].numel())
    mean = values.mean(dims)
    squares = (values - _along(mean, x)).square().sum(dims)
    if not own:
        mean, squares = torch.zeros_like(mean), torch.zeros_like(squares)
    counts, means, each = group.stacked(torch.stack((count, mean, squares))).unbind(1)
    total = counts.sum(0)
    whole = (counts * means).sum(0) / total
    squares = each.sum(0) + (counts * (means - whole).square()).sum(0)
    return total[0], whole, squares


class _Normalised(torch.autograd.Function):
    """(x - mean) * scale * weight + bias, of which mean and scale are functions of all ranks'
    x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Any, bias: Any, *rest: Any) -> Tensor:
        """x (B, C, ...); rest: mean (C,), scale (C,), values a channel, the group."""
        mean, scale, count, group = rest
        ctx.save_for_backward(x, weight, mean, scale, count)
        ctx.group, ctx.idle, ctx.shifted = group, not shard.present(x), bias is not None
        normal = (x.to(mean.dtype) - _along(mean, x)) * _along(scale, x)
        if weight is not None:
            normal = normal * _along(weight, x)
        if bias is not None:
            normal = normal + _along(bias, x)
        return normal.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        """The gradient of the sum of all ranks' losses; of the weights, this rank's part of it."""
        x, weight, mean, scale, count = ctx.saved_tensors
        dims = [0, *range(2, x.dim())]
        by_answer = gradients[0].to(mean.dtype)
        normal = (x.to(mean.dtype) - _along(mean, x)) * _along(scale, x)
        sums = torch.stack((by_answer.sum(dims), (by_answer * normal).sum(dims)))
        if ctx.idle:
            sums = torch.zeros_like(sums)
        shift, stretch = ctx.group.reduce(sums) / count
        factor = scale if weight is None else scale * weight
        by_x = _along(factor, x) * (by_answer - _along(shift, x) - normal * _along(stretch, x))
        by_x = torch.zeros_like(by_x) if ctx.idle else by_x
        by_weight = None if weight is None else sums[1].to(weight.dtype)
        by_bias = sums[0].to(mean.dtype if weight is None else weight.dtype)
        return (by_x.to(x.dtype), by_weight, by_bias if ctx.shifted else None, *[None] * 4)


def _along(values: Tensor, x: Tensor) -> Tensor:
    """(C,) so that it broadcasts over (B, C, ...)."""
    return values.view(1, -1, *[1] * (x.dim() - 2))
