"""MART: misclassification-aware adversarial training (Wang et al. 2020)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.core import losses
from smd.core.rng import Source
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import (
    ascended,
    attacking,
    cross_entropy,
    every,
    gaussian,
    mean_loss,
    means,
    right,
    trades_step,
)

STEPS = 10


def boosted(noisy: Tensor, y: Tensor) -> Tensor:
    """Boosted cross-entropy, (B, K), (B,) -> (B,): also pushes down the likeliest wrong class."""
    rival = noisy.softmax(1).scatter(1, y[:, None], 0).max(1).values
    return losses.ce(noisy, y) - torch.log(1.0001 - rival + 1e-12)


def weighted_divergence(clean: Tensor, noisy: Tensor, y: Tensor) -> Tensor:
    """KL(clean || noisy) times 1 - p_y(clean): logits (B, K) twice, (B,) -> (B,).

    The small numbers are the published ones: no logarithm of zero, no weight of exactly zero.
    """
    p, log_q = clean.softmax(1), torch.log(noisy.softmax(1) + 1e-12)
    weight = 1.0000001 - p.gather(1, y[:, None]).squeeze(1)
    return (p * (clean.log_softmax(1) - log_q)).sum(1) * weight


@dataclass(frozen=True)
class MART:
    """PGD on the cross-entropy in eval mode; the loss, in train mode, has no clean term.

    The published 0.031 is 8/255 here; the published step of 0.007 stays (see trades_step).
    """

    beta: float = 6.0
    eps: float = 8 / 255  # noise level, in [0, 1]

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """Nothing is remembered."""
        return {}

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """Mean of BCE(x_adv) + beta (1 - p_y(x)) KL(x || x_adv); gradients pass through it all."""
        x, y = batch.x, batch.y
        x_adv = self._noisy(model, x, y, context.generator)
        clean, noisy = model(x), model(x_adv)
        each = boosted(noisy, y) + self.beta * weighted_divergence(clean, noisy, y)
        loss = mean_loss(each, batch.weight)
        loss.backward()
        ok = right(clean, y)
        natural, attacked = (cross_entropy(logits.detach(), y, None) for logits in (clean, noisy))
        terms = {"loss": loss, "loss_clean": natural, "loss_noisy": attacked}
        return StepResult(ok, ok & right(noisy, y), means(terms, len(y)))

    def _noisy(self, model: nn.Module, x: Tensor, y: Tensor, generator: Source) -> Tensor:
        """The last of ten PGD steps on the cross-entropy from TRADES' start, (B, C, H, W)."""
        start = gaussian(x, generator)
        eps, length = every(x, self.eps), every(x, trades_step(self.eps))
        with attacking(model):
            return ascended(model, losses.ce, x, y, eps, length, STEPS, start)
