"""SMD: self-adaptive margins, no noise level to choose (paper, Alg. 1 and 2)."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smd import lp
from smd.data.batches import Batch
from smd.defenses import Now, Plan, Report
from smd.margin import Explored, Rules, epgd, gamma1, gamma2, initial_step, updated
from smd.nets.batchnorm import couples_samples, statistics_kept

PRESETS = {
    "paper": Rules(),
    "literal": Rules(search="literal"),
    "ame": Rules(
        start="uniform",
        attack_loss="slm",
        noisy_loss="crossed",
        gamma1_unit="delta",
        gamma2_gradient="batch",
        statistics="updated",
    ),
}


@dataclass(frozen=True)
class SMD:
    """Alg. 1; `preset` chooses between the paper, its Alg. 2 to the letter and the authors' later code."""

    preset: Literal["paper", "literal", "ame"] = "paper"

    @property
    def rules(self) -> Rules:
        """The preset's decisions."""
        return PRESETS[self.preset]

    def begin(self, plan: Plan) -> dict[str, Tensor]:
        """Every margin starts at delta (Alg. 1, input)."""
        delta = initial_step(plan.epochs, plan.shape, self.rules.norm)
        return {"margin": torch.full((plan.n,), delta, device=plan.device)}

    def step(self, model: nn.Module, batch: Batch, state: dict[str, Tensor], now: Now) -> Report:
        """One pass of Alg. 1's loop: l. 2-12 without the optimiser's step."""
        x, y, rules, plan = batch.x, batch.y, self.rules, now.plan
        margin = state["margin"][batch.idx]
        logits = model(x)
        loss0 = F.cross_entropy(logits, y)  # l. 2-3
        (loss0 / 2).backward()  # at once, so that its graph is gone before the attack
        correct = logits.detach().argmax(1) == y  # l. 4, Flag1
        found = self._noisy(model, batch, margin, correct, now.generator)  # l. 5
        taken = correct & found.crossed if rules.noisy_loss == "crossed" else correct
        loss1, gradient = _noisy_loss(model, found.x, y, taken, rules, len(x))  # l. 7-10
        delta = initial_step(plan.epochs, plan.shape, rules.norm)
        unit = delta if rules.gamma1_unit == "delta" else lp.pixel(plan.shape, rules.norm)
        g1, g2 = gamma1(margin, unit), gamma2(gradient, rules.norm)  # l. 6
        distance = lp.length(found.x - x, rules.norm)
        state["margin"][batch.idx] = updated(margin, distance, delta * g1 * g2, correct, found.crossed)
        grown = correct & ~found.crossed
        return Report(correct, grown, _means(loss0, loss1, g1, g2, grown, taken))

    def _noisy(
        self, model: nn.Module, batch: Batch, margin: Tensor, correct: Tensor, generator: torch.Generator
    ) -> Explored:
        """EPGD on the correctly classified samples; the others come back as they are.

        Under batch norm the whole batch is attacked, so that its statistics do not depend on how
        many samples are classified correctly.
        """
        if couples_samples(model):
            with nullcontext() if self.rules.statistics == "updated" else statistics_kept(model):
                found = epgd(model, batch.x, batch.y, margin, self.rules, generator, whole_batch=True)
            kept = torch.where(lp.per_sample(correct, batch.x), found.x, batch.x)
            return Explored(kept, found.crossed & correct)
        rows = correct.nonzero().squeeze(1)
        found = epgd(model, batch.x[rows], batch.y[rows], margin[rows], self.rules, generator)
        crossed = torch.zeros_like(correct).index_copy(0, rows, found.crossed)
        return Explored(batch.x.index_copy(0, rows, found.x), crossed)


def _noisy_loss(
    model: nn.Module, x: Tensor, y: Tensor, taken: Tensor, rules: Rules, batch_size: int
) -> tuple[Tensor, Tensor]:
    """L1 over the taken samples (l. 7-8), half of it back-propagated (l. 9-10).

    Returns the loss and Eq. 14's gradient at the noisy samples, shaped like x; zero where not taken.
    The gradient of a sample's own loss is a by-product of the loss's own backward pass.
    """
    gradient = torch.zeros_like(x)
    rows = torch.arange(len(x), device=x.device) if couples_samples(model) else taken.nonzero().squeeze(1)
    if not bool(taken.any()):
        return x.new_zeros(()), gradient
    noisy = x[rows].requires_grad_()
    losses = F.cross_entropy(model(noisy), y[rows], reduction="none")
    parts = taken.sum() if rules.noisy_loss == "correct" else batch_size
    loss1 = (losses * taken[rows]).sum() / parts
    (loss1 / 2).backward()
    assert noisy.grad is not None
    scale = 2 * parts if rules.gamma2_gradient == "sample" else 1
    return loss1.detach(), gradient.index_copy(0, rows, noisy.grad * scale)


def _means(
    loss0: Tensor, loss1: Tensor, g1: Tensor, g2: Tensor, grown: Tensor, taken: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """Sums and counts for the epoch's means: losses over samples, gammas over expanding samples."""
    size = grown.new_full((), len(grown), dtype=torch.float32)
    noisy, growing = taken.sum().float(), grown.sum().float()
    clean = loss0.detach()
    return {
        "loss": ((clean + loss1) / 2 * size, size),
        "loss_clean": (clean * size, size),
        "loss_noisy": (loss1 * noisy, noisy),
        "gamma1": ((g1 * grown).sum(), growing),
        "gamma2": ((g2 * grown).sum(), growing),
    }
