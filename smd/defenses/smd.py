"""SMD: self-adaptive margins, no noise level to choose (paper, Alg. 1 and 2)."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smd.core import cuda_graph, lp, rng
from smd.core.epgd import Explored, epgd
from smd.core.margin import Rules, gamma1, gamma2, initial_step, updated
from smd.core.rng import Source
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import cross_entropy
from smd.nets.batchnorm import couples_samples, statistics_kept
from smd.ranks import shard

# literal: Alg. 2's search as it is printed. first-crossing: a sample stops at its first wrong
# iterate, and the search is between that and the one before. ame: the authors' later code.
PRESETS = {
    "paper": Rules(),
    "literal": Rules(search="literal"),
    "first-crossing": Rules(search="first-crossing"),
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
    """Alg. 1; `preset`: the paper or one of three readings that differ from it, see PRESETS."""

    preset: Literal["paper", "literal", "first-crossing", "ame"] = "paper"

    @property
    def rules(self) -> Rules:
        """The decisions of the preset."""
        return PRESETS[self.preset]

    def rules_of(self, info: RunInfo) -> Rules:
        """Those in the norm that the run is trained in."""
        return replace(self.rules, norm=info.norm)

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """Every margin starts at delta (Alg. 1, input)."""
        delta = initial_step(info.epochs, info.shape, info.norm)
        return {"margin": torch.full((info.n,), delta, device=info.device)}

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """One pass of Alg. 1's loop: l. 2-12 without the optimiser's step."""
        y, info = batch.y, context.info
        rules = self.rules_of(info)
        margin = state["margin"][batch.idx]
        x = batch.x.detach().requires_grad_()
        logits = model(x)
        loss0 = cross_entropy(logits, y, batch.weight)  # l. 2-3
        (loss0 / 2).backward()  # at once, so that its graph is gone before the attack
        correct = logits.detach().argmax(1) == y  # l. 4, Flag1
        clean = Clean(x.detach(), y, margin, correct, x.grad if rules.attack_loss == "ce" else None)
        masked = couples_samples(model, x) or x.device.type != "cpu"
        explored = _noisy(model, clean, rules, context.generator, masked)  # l. 5
        taken = correct & explored.crossed if rules.noisy_loss == "crossed" else correct
        noisy = replace(batch, x=explored.x)
        loss1, gradient = _noisy_loss(model, noisy, taken, rules, masked)  # l. 7-10
        delta = initial_step(info.epochs, info.shape, rules.norm)
        unit = delta if rules.gamma1_unit == "delta" else lp.pixel(info.shape, rules.norm)
        g1, g2 = gamma1(margin, unit), gamma2(gradient, rules.norm)  # l. 6
        distance = lp.length(explored.x - clean.x, rules.norm)
        state["margin"][batch.idx] = updated(
            margin, distance, delta * g1 * g2, correct, explored.crossed
        )
        grown = correct & ~explored.crossed
        return StepResult(
            correct, grown, _means(loss0, loss1, g1, g2, grown, taken), correct & explored.crossed
        )


@dataclass(frozen=True)
class Clean:
    """A batch and the results of its clean forward and backward pass."""

    x: Tensor  # (B, C, H, W) in [0, 1]
    y: Tensor  # (B,)
    margin: Tensor  # (B,) unit of x
    correct: Tensor  # (B,) bool, Flag1
    gradient: Tensor | None  # (B, C, H, W), of the clean loss up to a factor: EPGD's first


def _noisy(
    model: nn.Module, clean: Clean, rules: Rules, generator: Source, masked: bool
) -> Explored:
    """EPGD on the correctly classified samples; the others come back as they are.

    Under batch norm the whole batch is attacked, so that its statistics do not depend on how
    many samples are classified correctly.
    """
    x, y, margin, gradient = clean.x, clean.y, clean.margin, clean.gradient
    if masked:
        with nullcontext() if rules.statistics == "updated" else statistics_kept(model):
            explored = cuda_graph.epgd(model, x, y, margin, rules, generator, gradient)
        kept = torch.where(lp.per_sample(clean.correct, x), explored.x, x)
        return Explored(kept, explored.crossed & clean.correct)
    rows = clean.correct.nonzero().squeeze(1)
    known = None if gradient is None else gradient[rows]
    source = rng.among(generator, len(rows))[0] if rules.start == "uniform" else generator
    explored = epgd(model, x[rows], y[rows], margin[rows], rules, source, known)
    crossed = torch.zeros_like(clean.correct).index_copy(0, rows, explored.crossed)
    return Explored(x.index_copy(0, rows, explored.x), crossed)


def _noisy_loss(
    model: nn.Module, batch: Batch, taken: Tensor, rules: Rules, masked: bool
) -> tuple[Tensor, Tensor]:
    """L1 over the taken samples (l. 7-8), half of it back-propagated (l. 9-10).

    Returns the loss and Eq. 14's gradient at the noisy samples, shaped like x; zero where not
    taken. The gradient of a sample's own loss is a by-product of the loss's own backward pass.
    Weights of the samples are in the loss and taken out of the gradient, so that margins know none.
    """
    x, y, weight = batch.x, batch.y, batch.weight
    gradient = torch.zeros_like(x)
    correct = rules.noisy_loss == "correct"
    parts = _counted(taken, weight) if correct else shard.rows(x)
    rows = torch.arange(len(x), device=x.device) if masked else taken.nonzero().squeeze(1)
    if not masked and not len(rows):
        return x.new_zeros(()), gradient
    noisy = x[rows].requires_grad_()
    losses = F.cross_entropy(model(noisy), y[rows], reduction="none")
    losses = losses * taken[rows] if weight is None else losses * taken[rows] * weight[rows]
    loss1 = losses.sum() / parts
    (loss1 / 2).backward()
    assert noisy.grad is not None
    scale = 2 * parts if rules.gamma2_gradient == "sample" else 1
    own = noisy.grad if weight is None else noisy.grad / lp.per_sample(weight[rows], noisy)
    return loss1.detach(), gradient.index_copy(0, rows, own * scale)


def _counted(taken: Tensor, weight: Tensor | None) -> Tensor:
    """What the taken samples (B,) of all ranks count together: their weights, so that the loss is
    their weighted mean.

    Their number would not do. A class that weighs ten times as much may be the only one that is
    classified correctly at first: L1 would be ten times the mean that it stands for, and steps so
    large keep all others misclassified.
    """
    if weight is None:
        return shard.total(taken.sum()).clamp_min(1)
    least = torch.finfo(weight.dtype).tiny  # of none the loss is 0 / tiny
    return shard.total((weight * taken).sum()).clamp_min(least)


def _means(
    loss0: Tensor, loss1: Tensor, g1: Tensor, g2: Tensor, grown: Tensor, taken: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """StepResult.means: losses over samples, gamma1 and gamma2 over samples whose margin grows."""
    size = grown.new_full((), len(grown), dtype=torch.float32)
    noisy, growing = taken.sum().float(), grown.sum().float()
    clean, whole = loss0.detach(), shard.rows(grown.to(size.dtype))
    return {
        "loss": ((clean + loss1) / 2 * whole, size),
        "loss_clean": (clean * whole, size),
        "loss_noisy": (loss1 * shard.total(noisy), noisy),
        "gamma1": ((g1 * grown).sum(), growing),
        "gamma2": ((g2 * grown).sum(), growing),
    }
