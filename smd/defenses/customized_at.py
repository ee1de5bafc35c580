"""Customized AT: a radius and a label smoothing of its own for every image (Cheng et al. 2020)."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smd.core import losses, lp, pgd, rng
from smd.core.rng import Source
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import attacking, cross_entropy, mean_loss, means, right

STEPS = 10
ETA = 0.005  # how much a radius may grow in a step, unit of x
SOFTNESS = 10  # c: the label's uncertain share is c times the radius
KAPPA = 10.0  # the mixed loss does not care for logit margins beyond this


@dataclass(frozen=True)
class CustomizedAT:
    """`eps`: no radius exceeds it. `variant`: what becomes of an image that its attack breaks.

    "paper": it is trained on as it is, and its radius does not grow. "code", as the authors' code
    is reported: its clean image is trained on and its radius is 0 again; others keep the distance
    that they were moved. `loss`: cross-entropy with soft labels, or that plus a hinge on the logit
    margin, attacked and trained alike.

    Sources disagree on batch norm and steps: here attacks run in eval mode with steps of a fifth of
    the radius.
    """

    eps: float = 8 / 255
    variant: Literal["paper", "code"] = "paper"
    loss: Literal["xent", "mix"] = "xent"

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """Every radius starts at 0."""
        return {"margin": torch.zeros(info.n, device=info.device)}

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """Attack at slightly larger radii, update them, and train with labels softened by them."""
        x, y, old = batch.x, batch.y, state["margin"][batch.idx]
        tried = (old + ETA).clamp(max=self.eps)
        with attacking(model):
            classes = _classes(model, x)
            x_adv, clean, far = self._attacked(
                model, x, y, tried, softened(y, old, classes, context.generator)
            )
        held = right(far, y)
        if self.variant == "paper":
            radius = torch.where(held, tried, old)
        else:
            x_adv = torch.where(lp.per_sample(held, x), x_adv, x)
            radius = lp.length(x_adv - x, "Linf").clamp(max=self.eps)
        state["margin"][batch.idx] = radius
        each = self._losses(model(x_adv), y, softened(y, radius, classes, context.generator))
        loss = mean_loss(each, batch.weight)
        loss.backward()
        shown = {"loss": loss, "loss_clean": cross_entropy(clean, y, None)}
        correct = right(clean, y)
        return StepResult(correct, correct & held, means(shown, len(x)))

    def _attacked(
        self, model: nn.Module, x: Tensor, y: Tensor, radius: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """PGD from x: its last iterate (B, C, H, W), and the logits (B, K) of x and of that."""
        path = pgd.iterates(
            model,
            lambda logits, y: self._losses(logits, y, labels),
            x,
            y,
            radius,
            2 * radius / STEPS,
            STEPS,
        )
        _, clean = next(path)
        for x_adv, logits in path:  # noqa: B007
            pass
        return x_adv, clean, logits

    def _losses(self, logits: Tensor, y: Tensor, labels: Tensor) -> Tensor:
        """Each sample's loss for soft labels (B, K), (B,)."""
        soft = F.cross_entropy(logits, labels, reduction="none")
        return soft if self.loss == "xent" else soft + losses.margin(logits, y).clamp_min(-KAPPA)


@torch.no_grad()
def _classes(model: nn.Module, x: Tensor) -> int:
    """K, the number of the model's classes."""
    return model(x[:1]).shape[1]


def softened(y: Tensor, radius: Tensor, classes: int, generator: Source) -> Tensor:
    """Soft labels (B, K): a share of c times the radius, at most 1, is drawn from Dirichlet(1)."""
    share = (SOFTNESS * radius).clamp(max=1)[:, None]
    drawn = rng.drawn(
        generator,
        len(y),
        lambda n, g: torch.empty(n, classes, device=y.device).exponential_(generator=g),
    )
    return (1 - share) * F.one_hot(y, classes) + share * drawn / drawn.sum(1, keepdim=True)
