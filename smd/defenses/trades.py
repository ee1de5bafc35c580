"""TRADES: cross-entropy plus beta times KL(clean || noisy) (Zhang et al. 2019)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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
from smd.nets.batchnorm import couples_samples

STEPS = 10


def divergence(clean: Tensor, noisy: Tensor) -> Tensor:
    """KL(softmax(clean) || softmax(noisy)) of each sample: logits (B, K), (B, K) -> (B,), nats."""
    return F.kl_div(
        noisy.log_softmax(1), clean.log_softmax(1), reduction="none", log_target=True
    ).sum(1)


@dataclass(frozen=True)
class TRADES:
    """The attack climbs the divergence in eval mode; the loss is taken in train mode.

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
        """Mean of CE(x) + beta KL(x || x_adv); gradients pass through both arguments of KL.

        The original passes the clean images twice, before and after the noisy ones, which changes
        batch norm's running statistics alone: the second pass is only taken where there are any.
        """
        x, y = batch.x, batch.y
        x_adv = self._noisy(model, x, y, context.generator)
        clean, noisy = model(x), model(x_adv)
        if couples_samples(model, x):
            with torch.no_grad():
                model(x)
        natural = cross_entropy(clean, y, batch.weight)
        loss = natural + self.beta * mean_loss(divergence(clean, noisy), batch.weight)
        loss.backward()
        ok = right(clean, y)
        terms = {
            "loss": loss,
            "loss_clean": natural,
            "loss_noisy": cross_entropy(noisy.detach(), y, None),
        }
        return StepResult(ok, ok & right(noisy, y), means(terms, len(y)))

    def _noisy(self, model: nn.Module, x: Tensor, y: Tensor, generator: Source) -> Tensor:
        """The last of ten PGD steps on KL(x || .), (B, C, H, W), which is flat at x itself."""
        start = gaussian(x, generator)
        eps, length = every(x, self.eps), every(x, trades_step(self.eps))
        with attacking(model):
            with torch.no_grad():
                clean = model(x)
            return ascended(
                model, lambda noisy, _: divergence(clean, noisy), x, y, eps, length, STEPS, start
            )
