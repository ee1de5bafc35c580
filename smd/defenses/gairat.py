"""GAIRAT: adversarial training weighted by the distance to the boundary (Zhang et al. 2020b)."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smd.core import losses, lp, pgd
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import attacking, every, mean_loss, means, right
from smd.defenses.fat import stride
from smd.ranks import shard

STEPS = 10
LAMBDA = -1.0


@dataclass(frozen=True)
class GAIRAT:
    """Weighted cross-entropy of PGD's last iterate; samples that were broken early weigh most.

    eps: radius in the unit of x; 8/255 where the original rounds to 0.031. The attack runs in eval
    mode.
    """

    eps: float = 8 / 255

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """kappa: how many of the iterates before the last were classified correctly, 0 to 10."""
        return {"kappa": torch.zeros(info.n, device=info.device)}

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """Mean of weight times cross-entropy; no gradient flows through the weights."""
        start = lp.uniform(batch.x, every(batch.x, self.eps), "Linf", context.generator)
        with attacking(model):
            x_adv, kappa = counted_pgd(model, batch, start, self.eps, stride(self.eps))
        state["kappa"][batch.idx] = kappa
        logits = model(x_adv)
        each = F.cross_entropy(logits, batch.y, reduction="none")
        loss = mean_loss(weights(kappa, shift(context)) * each, batch.weight)
        loss.backward()
        return StepResult(None, right(logits, batch.y), means({"loss": loss}, len(batch.y)))


def shift(context: StepContext) -> float:
    """Lambda: infinite, which is plain adversarial training, before epoch 60 of 120; then -1."""
    return LAMBDA if context.at(59, 120) else math.inf


def weights(kappa: Tensor, shift: float) -> Tensor:
    """Each sample's weight, (B,) with mean 1 over the batch: (1 + tanh(shift + 5 - kappa)) / 2,
    normalised.

    Written as the sigmoid of twice the argument, as 1 + tanh loses its digits for a large kappa.
    """
    raw = torch.sigmoid(2 * (shift + STEPS / 2 - kappa))
    return raw * shard.rows(raw) / shard.total(raw.sum())


def counted_pgd(
    model: nn.Module, batch: Batch, start: Tensor, eps: float, step: float
) -> tuple[Tensor, Tensor]:
    """PGD's last iterate, (B, C, H, W), and how many points before it were correct, (B,) float32.

    The start counts. Not the first step that fails: a sample may cross the boundary and come back.
    """
    x, y = batch.x, batch.y
    x_k, radius = start, every(x, eps)
    kappa = torch.zeros(len(x), device=x.device)
    for _ in range(STEPS):
        logits, gradient = pgd.input_gradient(model, losses.ce, x_k, y)
        kappa += right(logits, y)
        x_k = lp.project(x_k + step * gradient.sign(), x, radius, "Linf")
    return x_k, kappa
