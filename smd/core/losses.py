"""Per-sample losses on logits, (B, K) -> (B,); the larger, the nearer to a wrong answer."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]


def ce(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy."""
    return F.cross_entropy(logits, y, reduction="none")


def slm(logits: Tensor, y: Tensor) -> Tensor:
    """Soft logit margin: log-sum-exp of the other classes' logits minus the true one's."""
    own = logits.gather(1, y[:, None])
    others = logits.scatter(1, y[:, None], -torch.inf)
    return others.logsumexp(1) - own.squeeze(1)


def margin(logits: Tensor, y: Tensor) -> Tensor:
    """Logit margin of Carlini and Wagner: the largest other class's logit minus the true one's.

    Unbounded, unlike the original's clamp at -50, behind which its gradient would be zero.
    """
    own = logits.gather(1, y[:, None])
    return logits.scatter(1, y[:, None], -torch.inf).amax(1) - own.squeeze(1)


def probability_margin(logits: Tensor, y: Tensor) -> Tensor:
    """Margin of the probabilities: the likeliest other class's minus the true one's, in [-1, 1].

    Flat on both sides of the boundary: its gradient shrinks with the true class's distance from 1,
    as cross-entropy's does, and with its distance from 0, where cross-entropy's does not.
    """
    p = logits.softmax(1)
    own = p.gather(1, y[:, None])
    return p.scatter(1, y[:, None], -torch.inf).amax(1) - own.squeeze(1)


def towards(logits: Tensor, pair: Tensor) -> Tensor:
    """The logit of a target class minus the true one's; pair: (B, 2), true class and target."""
    return (logits.gather(1, pair[:, 1:]) - logits.gather(1, pair[:, :1])).squeeze(1)
