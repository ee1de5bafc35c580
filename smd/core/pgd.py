"""Projected gradient ascent with a radius and a step of its own for every sample (paper, Eq. 2)."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from smd.core import lp
from smd.core.losses import Loss
from smd.core.lp import Norm


def input_gradient(model: nn.Module, loss: Loss, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (B, K) at x, and the gradient (B, C, H, W) of each sample's own loss by its pixels.

    A network that takes its batch in parts (smd.nets.parts) is asked part by part, as no more than
    one part's activations need be kept then and none computed again.
    """
    size: int = getattr(model, "images_a_part", 0)
    if 0 < size < len(x):
        return _in_parts(model, size, loss, x, y)
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        logits = model(x)
        (gradient,) = torch.autograd.grad(loss(logits, y).sum(), x)
    return logits.detach(), gradient


def _in_parts(
    model: nn.Module, size: int, loss: Loss, x: Tensor, y: Tensor
) -> tuple[Tensor, Tensor]:
    """`input_gradient` of `size` images at a time."""
    logits, gradient = x.new_empty(0), torch.empty_like(x)
    for begin in range(0, len(x), size):
        rows = slice(begin, begin + size)
        part = x[rows].detach().requires_grad_()
        with torch.enable_grad():
            answer = model(part)
            if not begin:
                logits = answer.new_zeros(len(x), *answer.shape[1:])
            # a loss may know something of each sample of the batch, so it is asked for all of them
            whole = torch.cat((logits[:begin], answer, logits[begin + len(part) :]))
            (gradient[rows],) = torch.autograd.grad(loss(whole, y)[rows].sum(), part)
        logits[rows] = answer.detach()
    return logits, gradient


def iterates(
    model: nn.Module,
    loss: Loss,
    x: Tensor,  # (B, C, H, W) in [0, 1], the centres
    y: Tensor,  # (B,) labels
    eps: Tensor,  # (B,) radii, unit of x
    step: Tensor,  # (B,) step lengths, unit of x
    steps: int,
    norm: Norm = "Linf",
    start: Tensor | None = None,  # (B, C, H, W) in the ball; None: x itself
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the start and then every iterate x^(1) ... x^(steps), each with its logits (B, K).

    The forward pass of an iterate's gradient also yields its logits, so that looking at every
    iterate costs a single forward pass more than looking at none.
    """
    x_k = x if start is None else start
    for _ in range(steps):
        logits, gradient = input_gradient(model, loss, x_k, y)
        yield x_k, logits
        x_k = lp.project(x_k + lp.per_sample(step, x) * lp.unit_step(gradient, norm), x, eps, norm)
    with torch.no_grad():
        yield x_k, model(x_k)


def last_iterate(
    model: nn.Module,
    loss: Loss,
    x: Tensor,  # (B, C, H, W) in [0, 1]
    y: Tensor,  # (B,)
    eps: Tensor,  # (B,)
    step: Tensor,  # (B,)
    steps: int,
    norm: Norm = "Linf",
    start: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The last iterate of `steps` steps, (B, C, H, W), and its logits (B, K)."""
    for pair in iterates(model, loss, x, y, eps, step, steps, norm, start):
        last = pair
    return last
