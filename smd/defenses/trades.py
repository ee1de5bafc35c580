"""TRADES: clean cross-entropy plus beta times the divergence of clean and noisy answers (Zhang et
al. 2019)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import ascended, attacking, every, gaussian, means, right, trades_step
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
        """Mean of CE(x) + beta KL(x || x_adv).

        The gradient passes through both arguments of the divergence.

        The original passes the clean images twice, before and after the noisy ones. Only batch
        norm's running statistics can tell, so the second pass is taken for their sake alone.
        """
        x, y = batch.x, batch.y
        x_adv = self._noisy(model, x, y, context.generator)
        clean, noisy = model(x), model(x_adv)
        if couples_samples(model):
            with torch.no_grad():
                model(x)
        natural = F.cross_entropy(clean, y)
        loss = natural + self.beta * divergence(clean, noisy).mean()
        loss.backward()
        ok = right(clean, y)
        terms = {
            "loss": loss,
            "loss_clean": natural,
            "loss_noisy": F.cross_entropy(noisy.detach(), y),
        }
        return StepResult(ok, ok & right(noisy, y), means(terms, len(y)))

    def _noisy(self, model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Ten steps up the divergence. It is flat at x itself, so the start is a little off."""
        start = gaussian(x, generator)
        eps, length = every(x, self.eps), every(x, trades_step(self.eps))
        with attacking(model):
            with torch.no_grad():
                clean = model(x)
            return ascended(
                model, lambda noisy, _: divergence(clean, noisy), x, y, eps, length, STEPS, start
            )
