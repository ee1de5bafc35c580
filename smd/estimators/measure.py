"""Measuring the margins of many samples, batch by batch, with any estimator."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from smd.core import rng
from smd.core.lp import Norm
from smd.core.predicted import predicted
from smd.data.batches import Batch, Rows
from smd.dealing.portions import Deal, here
from smd.estimators import Estimator
from smd.nets.modes import frozen

Columns = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class Measured:
    """The estimated margins of n samples."""

    margin: np.ndarray  # (n,) float32, unit of x; 0 where the clean image is misclassified
    clean_ok: np.ndarray  # (n,) bool, classified correctly without noise
    crossed: np.ndarray  # (n,) bool; False: no boundary was met
    seconds: float


def measure(
    model: nn.Module,
    data: Rows,
    ids: Tensor,  # (n,) sample ids, which are measured in this order
    estimator: Estimator,
    norm: Norm,
    seed: int,
    size: int,  # images a batch
    after_batch: Callable[[int], None] = lambda done: None,
    deal: Deal | None = None,  # who does the batches; None: this process
) -> Measured:
    """The margins of the samples of those ids; the network is put in eval mode."""
    began = time.perf_counter()
    parts: list[Columns] = []
    portions = [
        Measuring(part, number, estimator, norm, seed)
        for number, part in enumerate(ids.cpu().split(size))
    ]
    with frozen(model), closing((deal or here(model, data))(portions)) as results:
        for part in results:
            parts.append(part)
            after_batch(min(len(parts) * size, len(ids)))
    margin, correct, crossed = (torch.cat(column).numpy() for column in zip(*parts, strict=True))
    return Measured(margin, correct, crossed, time.perf_counter() - began)


@dataclass(frozen=True, eq=False)
class Measuring:
    """A portion (smd.dealing.portions): the margins of one batch."""

    ids: Tensor  # (B,) int64 sample ids, on the CPU
    number: int  # of the batch, from 0
    estimator: Estimator
    norm: Norm
    seed: int

    def do(self, model: nn.Module, data: Rows) -> Columns:
        """Margin, Flag1 and crossed, each (B,), on the CPU."""
        device = data.labels.device
        generator = rng.generator(device, self.seed, "margins", self.number)
        batch = data.take(self.ids.to(device))
        found = _measured(model, batch, self.estimator, self.norm, generator)
        margin, correct, crossed = (column.cpu() for column in found)
        return margin, correct, crossed


def _measured(
    model: nn.Module, batch: Batch, estimator: Estimator, norm: Norm, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Margin, Flag1 and crossed, each (B,); a misclassified image has margin 0 and is crossed."""
    if getattr(estimator, "judges", False):
        found = estimator.estimate(model, batch.x, batch.y, norm, generator)
        assert found.right is not None
        return found.margin, found.right, found.crossed
    with torch.no_grad():
        correct = predicted(model(batch.x)) == batch.y
    margin, crossed = torch.zeros(len(batch.x), device=batch.x.device), ~correct
    rows = correct.nonzero().squeeze(1)
    if len(rows):
        result = estimator.estimate(model, batch.x[rows], batch.y[rows], norm, generator)
        margin, crossed = (
            margin.index_copy(0, rows, result.margin.to(margin.dtype)),
            crossed.index_copy(0, rows, result.crossed),
        )
    return margin, correct, crossed
