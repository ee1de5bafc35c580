"""A network that remembers where each image of a batch was in the last passes, for Auto-PGD.

A climb comes to rest in a corner of its ball, or goes to and fro between a few points. Logits and
gradients there are known, so that only images that are elsewhere go through the network.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

PASSES = 2  # that are remembered


@dataclass(frozen=True)
class Passed:
    """A pass: where the images were, and what came of it."""

    x: Tensor  # (B, C, H, W)
    logits: Tensor  # (B, K)
    down: Tensor  # (B, K), the gradient of the loss by the logits
    gradient: Tensor  # (B, C, H, W), and by the images

    def but(self, chosen: Tensor, other: "Passed") -> "Passed":
        """Another's rows in place of its own where chosen, (B,) bool."""
        of = ((getattr(self, name), getattr(other, name)) for name in vars(self))
        return Passed(*(torch.where(_rows(chosen, a), b, a) for a, b in of))


def _rows(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *[1] * (like.dim() - 1))


class Remembering(nn.Module):
    """The network, with gradients by the images alone; it must answer each image by itself, and
    the same again (smd.attacks.apart)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.passes: list[Passed] = []  # the latest first

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) -> logits (B, K)."""
        if torch.is_grad_enabled() and x.requires_grad:
            asked: Tensor = _Asked.apply(x, self)
            return asked
        answer: Tensor = self.model(x)
        return answer

    def met(self, x: Tensor) -> tuple[Tensor, Passed | None]:
        """Which images are where they were, (B,) bool, and what came of it; None: there was no
        pass."""
        known = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        found: Passed | None = None
        self.passes = [passed for passed in self.passes if passed.x.shape == x.shape]
        for passed in self.passes:
            same = ~known & (passed.x == x).flatten(1).all(1)
            found = passed if found is None else found.but(same, passed)
            known |= same
        return known, found


class _Asked(torch.autograd.Function):
    """A pass from which images that are where they were are left out."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, memory: Remembering) -> Tensor:
        """See Remembering.forward."""
        ctx.memory, ctx.x = memory, x.detach().clone()  # the attack writes into its own
        ctx.known, ctx.found = memory.met(ctx.x)
        ctx.new = (~ctx.known).nonzero().squeeze(1)
        logits: Tensor | None = None if ctx.found is None else ctx.found.logits
        if len(ctx.new):
            ctx.point, ctx.answer = _answered(memory.model, ctx.x[ctx.new])
            answer = ctx.answer.detach()
            logits = answer if logits is None else logits.index_copy(0, ctx.new, answer)
        ctx.logits = logits
        return ctx.logits.clone()

    @staticmethod
    def backward(ctx: Any, *downs: Tensor) -> tuple[Tensor, None]:
        """The gradient by the images; it is asked for anew where the loss is another one."""
        (down,) = downs
        gradient = torch.zeros_like(ctx.x) if ctx.found is None else ctx.found.gradient.clone()
        if len(ctx.new):
            gradient[ctx.new] = _gradient(ctx.point, ctx.answer, down[ctx.new])
        if ctx.found is not None:
            other = ctx.known & (ctx.found.down != down).any(1)
            if other.any():
                point, answer = _answered(ctx.memory.model, ctx.x[other])
                gradient[other] = _gradient(point, answer, down[other])
        passed = Passed(ctx.x, ctx.logits, down.clone(), gradient)
        ctx.memory.passes = [passed, *ctx.memory.passes][:PASSES]
        return gradient, None


def _answered(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Images that take gradients, and logits that give them."""
    with torch.enable_grad():
        point = x.detach().requires_grad_()
        return point, model(point)


def _gradient(point: Tensor, answer: Tensor, down: Tensor) -> Tensor:
    return torch.autograd.grad(answer, point, down)[0]
