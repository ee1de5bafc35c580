"""One batch of an evaluation: clean images, or one stage of an attack on them.

The images of an attack are checked and classified again, never believed.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.attacks import AttackPlan, BatchContext, Stage
from smd.core import lp
from smd.core.lp import Norm
from smd.core.predicted import FLAG, NONE, predicted
from smd.data.batches import Batch, Rows
from smd.evaluation.state import Kept

SURE = 1e-4  # of the largest logit: a kept image's lead, far above what rounding moves
SLACK = 1e-6  # unit of x, or of a radius above 1: how far rounding may carry an image out of it


@dataclass(frozen=True, eq=False)
class Judged:
    """What became of a batch. All is on the CPU, so that who enters it cannot run out of a GPU's
    memory."""

    y: Tensor  # (B,) int64
    pred: Tensor  # (B,) int16
    distance: Tensor  # (B,) float32, length of the noise; 0 of clean images
    sure: Tensor  # (B,) bool, no other batch size or device turns the prediction
    images: dict[int, Kept]  # by row: those that may be kept
    flags: set[str]  # keys of smd.analysis.flags.FLAGS
    nearest: Tensor | None = None  # (B,) float32, see smd.attacks.BatchContext.told


@dataclass(frozen=True, eq=False)
class Judging:
    """A portion (smd.dealing.portions): what is judged, and how."""

    ids: Tensor  # (B,) int64 sample ids, on the CPU
    plan: AttackPlan
    stage: int  # of the plan, from 1; 0: the clean images
    number: int  # of the batch within its stage, from 0
    eps: float  # noise level, unit of x
    seed: int
    norm: Norm
    keep: int = 0  # so many images at most are kept
    picked: bool = False  # of all images, not only of those that this stage breaks
    checks: bool = False  # with clean images: the plan's checks of the network

    def do(self, model: nn.Module, data: Rows) -> Judged:
        """See smd.dealing.portions; raises RuntimeError if the attack leaves the ball or [0, 1]."""
        batch = data.take(self.ids.to(data.labels.device))
        return self._attacked(model, batch) if self.stage else self._clean(model, batch)

    def _clean(self, model: nn.Module, batch: Batch) -> Judged:
        with torch.no_grad():
            pred = predicted(model(batch.x))
        flags = set(self.plan.flags_before(model, batch.x, batch.y)) if self.checks else set()
        none = torch.zeros(len(pred))
        y, pred = batch.y.cpu(), pred.cpu().to(torch.int16)
        return Judged(y, pred, none, none.bool(), {}, flags | _told(pred))

    def _attacked(self, model: nn.Module, batch: Batch) -> Judged:
        stage = self.plan.stages[self.stage - 1]
        context = BatchContext(self.seed, self.number, self.eps, self.norm)
        x_adv, logits = tried(model, stage, batch, context)
        y, noise, logits = (of.cpu() for of in (batch.y, x_adv - batch.x, logits))
        pred, sure = predicted(logits), surely(logits, y)
        rows = self._kept(pred != y, sure)
        images = {
            row: Kept(image.numpy().copy(), logits[row].softmax(0).numpy())
            for row, image in zip(rows, x_adv[rows].cpu(), strict=True)
        }
        distance = lp.length(noise, self.norm)
        nearest = context.told.get("nearest")
        what = (y, pred.to(torch.int16), distance, sure, images, context.flags | _told(pred))
        return Judged(*what, None if nearest is None else nearest.cpu())

    def _kept(self, broken: Tensor, sure: Tensor) -> list[int]:
        """The rows of images that may be kept: none whose prediction rounding decides."""
        rows: list[int] = (sure if self.picked else sure & broken).nonzero().squeeze(1).tolist()
        return (rows if self.picked else rows[: self.keep]) if self.keep else []


def _told(pred: Tensor) -> set[str]:
    return {FLAG} if bool((pred == NONE).any()) else set()


def tried(
    model: nn.Module, stage: Stage, batch: Batch, context: BatchContext
) -> tuple[Tensor, Tensor]:
    """A stage's images, (B, C, H, W), projected to the ball against rounding, and their logits."""
    proposed = stage.perturb(model, batch.x, batch.y, context).detach()
    _check(proposed, batch.x, context.eps, context.norm)
    radius = torch.full((len(batch.x),), context.eps, device=batch.x.device)
    x_adv = lp.project(proposed, batch.x, radius, context.norm)
    with torch.no_grad():
        return x_adv, model(x_adv)


def surely(logits: Tensor, y: Tensor) -> Tensor:
    """Which predictions another batch size or device cannot turn: (B, K), (B,) -> (B,) bool."""
    own = logits.gather(1, y[:, None]).squeeze(1)
    others = logits.scatter(1, y[:, None], float("-inf")).amax(1)
    return (others - own).abs() > SURE * logits.abs().amax(1)


def _check(x_adv: Tensor, x: Tensor, eps: float, norm: Norm) -> None:
    """Refuse images outside the ball, outside [0, 1] or not finite."""
    farthest = float(lp.length(x_adv - x, norm).max())
    if not farthest <= eps + SLACK * max(1.0, eps):
        raise RuntimeError(
            f"The attack left its ball: {farthest * 255:.4f}/255 of {eps * 255:.4f}/255."
        )
    if not (float(x_adv.min()) >= -SLACK and float(x_adv.max()) <= 1 + SLACK):
        raise RuntimeError("The attack left the pixels' range [0, 1].")
