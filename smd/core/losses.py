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


def towards(logits: Tensor, pair: Tensor) -> Tensor:
    """The logit of a target class minus the true one's; pair: (B, 2), true class and target."""
    return (logits.gather(1, pair[:, 1:]) - logits.gather(1, pair[:, :1])).squeeze(1)
