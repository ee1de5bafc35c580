"""CAT: a curriculum of ever longer attacks; batches keep the shorter ones (Cai et al. 2018)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.core import losses, lp, rng
from smd.core.rng import Source
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import ascended, every, right
from smd.ranks import shard


def shares(size: int, k: int) -> list[int]:
    """The sizes of the k + 1 parts of a batch: equal ones, the last also takes the remainder."""
    each = size // (k + 1)
    return [each] * k + [size - k * each]


@dataclass(frozen=True)
class CAT:
    """The attack's strength k rises from 0 to max_k in equal shares of the run.

    The original raises k when its validation accuracy under attack stalls. Attacks run in train
    mode, each part on its own: every pass moves batch norm's running statistics, as published. The
    published 0.032 is 8/255 here.
    """

    eps: float = 8 / 255  # noise level, in [0, 1]
    max_k: int = 7

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """Nothing is remembered: k follows from the epoch."""
        return {}

    def strength(self, context: StepContext) -> int:
        """k, the most attack steps of the epoch, 0 .. max_k; 0 in the first epoch."""
        return context.epoch * (self.max_k + 1) // context.info.epochs

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """Mean cross-entropy of a batch whose part j is attacked with j steps, j = 0 (clean) .. k.

        adv_ok is of the image that was trained on, the clean one for part 0.
        """
        x, y = batch.x, batch.y
        sizes = shares(rng.total(context.generator, len(x)), self.strength(context))
        parts = []
        for j, size in enumerate(sizes):
            begin = sum(sizes[:j])
            source, rows = rng.between(context.generator, begin, begin + size)
            noisy = bool(j and size)
            parts.append(self._noisy(model, x[rows], y[rows], j, source) if noisy else x[rows])
        logits = model(torch.cat(parts))
        terms = losses.ce(logits, y)
        if batch.weight is not None:
            terms = batch.weight * terms
        shard.mean(terms).backward()
        terms, clean = terms.detach(), len(parts[0])
        groups = {"loss": terms, "loss_clean": terms[:clean], "loss_noisy": terms[clean:]}
        means = {name: (part.sum(), part.new_full((), len(part))) for name, part in groups.items()}
        return StepResult(None, right(logits, y), means)

    def _noisy(self, model: nn.Module, x: Tensor, y: Tensor, j: int, generator: Source) -> Tensor:
        """j steps from a random start, of one random length: 2 eps / j times U(1, 10 / j)."""
        eps = every(x, self.eps)
        start = lp.uniform(x, eps, "Linf", generator)
        stretch = 1 + (10 / j - 1) * torch.rand(
            (), generator=rng.once(generator), device=x.device, dtype=x.dtype
        )
        return ascended(model, losses.ce, x, y, eps, 2 / j * eps * stretch, j, start)
