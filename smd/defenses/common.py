"""What several defenses share: eval mode while attacking, random starts, PGD, means of losses."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smd.core import lp, pgd, rng
from smd.core.losses import Loss
from smd.core.rng import Source
from smd.defenses import StepResult
from smd.ranks import shard
from smd.ranks.group import ALONE, current

PUBLISHED = 8 / 255  # the noise level that TRADES and its kin were published with


@contextmanager
def attacking(model: nn.Module) -> Iterator[None]:
    """Within, the model is in eval mode: running statistics are used and stay as they are."""
    was = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was)


def every(x: Tensor, value: float) -> Tensor:
    """The same number for every sample of x, (B,): a radius or a step in the unit of x."""
    return x.new_full((len(x),), value)


def gaussian(x: Tensor, generator: Source) -> Tensor:
    """The start of TRADES and MART: a thousandth of Gaussian noise on x, not clipped to [0, 1]."""
    return x + 0.001 * rng.like(x, generator, torch.randn)


def trades_step(eps: float) -> float:
    """The step of TRADES and MART, unit of x: the published 0.007 at 8/255, else a quarter of eps.

    Ten steps of 0.007 would not reach 24/255. The published 0.031 counts as 8/255.
    """
    return 0.007 if math.isclose(eps, PUBLISHED, abs_tol=5e-4) else eps / 4


def ascended(
    model: nn.Module,
    loss: Loss,
    x: Tensor,  # (B, C, H, W) in [0, 1], the centres
    y: Tensor,  # (B,) labels
    eps: Tensor,  # (B,) radii, unit of x
    step: Tensor,  # (B,) step lengths, unit of x
    steps: int,
    start: Tensor,  # (B, C, H, W)
) -> Tensor:
    """The last iterate of Linf PGD, (B, C, H, W) in [0, 1].

    No forward pass is spent on it, as pgd.last_iterate does: the training loss looks at it anyway.
    """
    x_k = start
    for _ in range(steps):
        _, gradient = pgd.input_gradient(model, loss, x_k, y)
        x_k = lp.project(x_k + lp.per_sample(step, x) * gradient.sign(), x, eps, "Linf")
    return x_k


def mean_loss(each: Tensor, weight: Tensor | None) -> Tensor:
    """The mean of every sample's loss, (B,) -> (), each times its weight (B,) if there are any;
    of several ranks each has its share of it."""
    return shard.mean(each if weight is None else weight * each)


def cross_entropy(logits: Tensor, y: Tensor, weight: Tensor | None) -> Tensor:
    """Mean cross-entropy, (B, K), (B,) -> (), each sample's times its weight if there are any;
    of several ranks each has its share of it."""
    if weight is None and current() is ALONE:  # torch's own mean, whose last bits differ
        return F.cross_entropy(logits, y)
    return mean_loss(F.cross_entropy(logits, y, reduction="none"), weight)


def right(logits: Tensor, y: Tensor) -> Tensor:
    """Which samples are classified correctly: (B, K), (B,) -> (B,) bool."""
    return logits.detach().argmax(1) == y


def means(losses: Mapping[str, Tensor], count: int) -> dict[str, tuple[Tensor, Tensor]]:
    """StepResult.means, name -> (sum, count), of losses that are means over `count` samples, or a
    rank's shares of means over those of all."""
    whole = shard.rows(next(iter(losses.values())).detach().expand(count))
    return {
        name: (loss.detach() * whole, loss.detach().new_full((), count, dtype=torch.float32))
        for name, loss in losses.items()
    }


def learned(model: nn.Module, x_adv: Tensor, y: Tensor, weight: Tensor | None = None) -> StepResult:
    """The outer step of adversarial training: mean cross-entropy of the noisy images alone."""
    logits = model(x_adv)
    loss = cross_entropy(logits, y, weight)
    loss.backward()
    return StepResult(None, right(logits, y), means({"loss": loss, "loss_noisy": loss}, len(y)))
