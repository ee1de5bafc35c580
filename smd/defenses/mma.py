"""MMA: max-margin training at each image's estimated boundary (Ding et al. 2019)."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smd.core import losses, lp, rng
from smd.core.rng import Source
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import ascended, attacking, cross_entropy
from smd.nets.batchnorm import couples_samples
from smd.ranks import shard

STEPS = 10
HALVINGS = 10
FLOOR = 0.005  # the smallest radius of PGD; images misclassified when clean return to it
SLACK = 1.05  # the search may look a little farther than dmax
CLEAN_SHARE = 1 / 3  # of the clean loss in the whole


@dataclass(frozen=True)
class Found:
    """A batch at its estimated decision boundary."""

    x: Tensor  # (B, C, H, W), may leave [0, 1] beyond PGD's iterate, as in the original
    margin: Tensor  # (B,) unit of x
    inside: Tensor  # (B,) bool, PGD's last iterate is still correct
    crossed: Tensor  # (B,) bool, the search met a wrong point; else it came as far as its cap


@dataclass(frozen=True)
class MMA:
    """An image whose estimated margin reaches `dmax` (unit of x) only adds its clean loss.

    Correct means p_y > 1/2 throughout, which is stricter than being the likeliest class. PGD runs
    in eval mode; the search runs in train mode on the correct images alone, so that running
    statistics move with it.
    """

    dmax: float = 12 / 255

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """Every margin starts at the smallest radius."""
        return {"margin": torch.full((info.n,), FLOOR, device=info.device)}

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """A third of the clean loss, two thirds of that at the boundary (where wrong: clean image).

        adv_ok: still correct at PGD's last iterate, before the search; the margin grows there.
        """
        x, y = batch.x, batch.y
        logits = model(x)
        clean = cross_entropy(logits, y, batch.weight)
        (CLEAN_SHARE * clean).backward()  # at once, so that its graph is gone before the attack
        correct = losses.slm(logits.detach(), y) < 0
        rows = correct.nonzero().squeeze(1)
        result = self._boundary(
            model, x[rows], y[rows], state["margin"][batch.idx[rows]], context.generator
        )
        margin = torch.zeros_like(state["margin"][batch.idx]).index_copy(0, rows, result.margin)
        near = correct & (margin < self.dmax)
        each = _margin_losses(
            model, replace(batch, x=x.index_copy(0, rows, result.x)), near | ~correct
        )
        state["margin"][batch.idx] = margin
        inside = torch.zeros_like(correct).index_copy(0, rows, result.inside)
        # p_y <= 1/2: across it as they are
        crossed = torch.ones_like(correct).index_copy(0, rows, result.crossed)
        clean_ok = logits.detach().argmax(1) == y
        return StepResult(clean_ok, inside, _means(clean.detach(), each, near), clean_ok & crossed)

    @torch.no_grad()
    def _boundary(
        self, model: nn.Module, x: Tensor, y: Tensor, stored: Tensor, generator: Source
    ) -> Found:
        """PGD at the stored margins, then a search along its direction as far as 1.05 dmax."""
        source, asked = rng.among(generator, len(x))
        if not asked:
            none = torch.zeros_like(y, dtype=torch.bool)
            return Found(x, stored, none, none)
        cap = SLACK * self.dmax
        radius = stored.clamp(FLOOR, cap)
        with attacking(model):
            start = lp.uniform(x, radius, "Linf", source)
            far = ascended(model, losses.slm, x, y, radius, 2.5 * radius / STEPS, STEPS, start)
        return _line_search(model, x, y, far, radius, cap)


def _line_search(
    model: nn.Module,
    x: Tensor,  # (B, C, H, W) in [0, 1]
    y: Tensor,  # (B,)
    far: Tensor,  # (B, C, H, W) PGD's last iterate
    radius: Tensor,  # (B,) that it was found with, unit of x
    cap: float,
) -> Found:
    """Ten halvings between x and the cap; the last middle is untested, so on either side."""
    direction = (far - x) / lp.per_sample(radius + 1e-12, x)
    low, high, at = torch.zeros_like(radius), torch.full_like(radius, cap), radius
    inside = right = losses.slm(model(far), y) < 0
    crossed = ~inside
    for k in range(HALVINGS):
        if k > 0:
            right = losses.slm(model((x + lp.per_sample(at, x) * direction).clamp(0, 1)), y) < 0
            crossed = crossed | ~right
        low = torch.where(right, torch.maximum(low, at), low)
        high = torch.where(right, high, torch.minimum(high, at))
        at = (low + high) / 2
    return Found(x + lp.per_sample(at, x) * direction, at, inside, crossed)


def _margin_losses(model: nn.Module, batch: Batch, taken: Tensor) -> Tensor:
    """Cross-entropy of the taken samples, else 0, (B,); back-propagates two thirds of its mean.

    Under batch norm the others are in the batch too, for its statistics.
    """
    x, y = batch.x, batch.y
    none, size = x.new_zeros(len(x)), shard.rows(x)
    if couples_samples(model, x):
        rows = torch.arange(len(x), device=x.device)
    elif not len(rows := taken.nonzero().squeeze(1)):
        return none
    each = F.cross_entropy(model(x[rows]), y[rows], reduction="none") * taken[rows]
    each = each if batch.weight is None else each * batch.weight[rows]
    ((1 - CLEAN_SHARE) * each.sum() / size).backward()
    return none.index_copy(0, rows, each.detach())


def _means(clean: Tensor, each: Tensor, near: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """StepResult.means: the whole loss, the clean one, and that of the images at the boundary."""
    size = clean.new_full((), len(each))
    samples = shard.rows(each)
    whole = CLEAN_SHARE * clean * samples + (1 - CLEAN_SHARE) * each.sum()
    noisy = ((each * near).sum(), near.sum().float())
    return {"loss": (whole, size), "loss_clean": (clean * samples, size), "loss_noisy": noisy}
