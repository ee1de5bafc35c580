"""Measuring the margins of many samples, batch by batch, with any estimator."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from smd.core import rng
from smd.core.lp import Norm
from smd.data.batches import Batch, Rows
from smd.estimators import Estimator
from smd.nets.modes import frozen


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
) -> Measured:
    """The margins of the samples of those ids; the network is put in eval mode."""
    began = time.perf_counter()
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    with frozen(model):
        for number, part in enumerate(ids.split(size)):
            generator = rng.generator(data.labels.device, seed, "margins", number)
            parts.append(_measured(model, data.take(part), estimator, norm, generator))
            after_batch(min((number + 1) * size, len(ids)))
    margin, correct, crossed = (
        torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)
    )
    return Measured(margin, correct, crossed, time.perf_counter() - began)


def _measured(
    model: nn.Module, batch: Batch, estimator: Estimator, norm: Norm, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Margin, Flag1 and crossed, each (B,); a misclassified image has margin 0 and is crossed."""
    with torch.no_grad():
        correct = model(batch.x).argmax(1) == batch.y
    margin, crossed = torch.zeros(len(batch.x), device=batch.x.device), ~correct
    rows = correct.nonzero().squeeze(1)
    if len(rows):
        result = estimator.estimate(model, batch.x[rows], batch.y[rows], norm, generator)
        margin, crossed = (
            margin.index_copy(0, rows, result.margin),
            crossed.index_copy(0, rows, result.crossed),
        )
    return margin, correct, crossed
