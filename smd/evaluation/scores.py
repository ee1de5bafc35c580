"""The worst scores of images: log-odds of each class, the worst that a search finds within eps.

A score is z_k - log sum of exp z_j over the other classes. The worst is the lowest of an image's
own class and the highest of any other. Unlike an attack, a search does not stop where it succeeds:
an area under the ROC curve needs the worst score of every image.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from smd.core import ascent, losses, lp, rng
from smd.core.lp import Norm
from smd.data.batches import Batch, Rows
from smd.dealing.portions import Deal, here
from smd.errors import UserError
from smd.nets.modes import frozen
from smd.units import show_level


def worst_scores(
    model: nn.Module,
    data: Rows,
    ids: Tensor,  # (n,) sample ids
    eps: float,  # unit of x; 0: the clean scores
    norm: Norm,
    steps: int,
    seed: int,
    size: int,  # images a batch
    after_batch: Callable[[int], None] = lambda done: None,
    deal: Deal | None = None,  # who does the batches; None: this process
) -> np.ndarray:
    """The worst log-odds of every class, (n, K) float32; the network is put in eval mode.

    Two searches a class, from the image itself and from a random start; of two classes one pair
    serves both, whose log-odds differ in their sign alone. Raises UserError where the network's
    answers are no numbers.
    """
    parts: list[Tensor] = []
    portions = [
        Searching(part, number, eps, norm, steps, seed)
        for number, part in enumerate(ids.cpu().split(size))
    ]
    with frozen(model), closing((deal or here(model, data))(portions)) as results:
        for part in results:
            parts.append(part)
            after_batch(min(len(parts) * size, len(ids)))
    scores = torch.cat(parts).float().numpy()
    if not np.isfinite(scores).all():
        raise UserError("The network's answers are no finite numbers: they have no scores.")
    return scores


@dataclass(frozen=True, eq=False)
class Searching:
    """A portion (smd.dealing.portions): the worst log-odds of one batch."""

    ids: Tensor  # (B,) int64 sample ids, on the CPU
    number: int  # of the batch, from 0
    eps: float
    norm: Norm
    steps: int
    seed: int

    def do(self, model: nn.Module, data: Rows) -> Tensor:
        """(B, K), on the CPU."""
        device = data.labels.device
        keys = ("scores", show_level(self.eps, self.norm), self.number)
        generator = rng.generator(device, self.seed, *keys)
        batch = data.take(self.ids.to(device))
        return _worst(model, batch, self.eps, self.norm, self.steps, generator).cpu()


def log_odds(logits: Tensor) -> Tensor:
    """z_k - log sum of exp z_j over the other classes: (B, K) -> (B, K)."""
    each = [losses.slm(logits, torch.full_like(logits[:, 0], k).long()) for k in _classes(logits)]
    return -torch.stack(each, dim=1)


def worse(one: np.ndarray, other: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The worse of two scores, each (n, K), labels (n,): lower of the own class, else higher."""
    own = np.arange(one.shape[1]) == labels[:, None]
    return np.where(own, np.minimum(one, other), np.maximum(one, other))


def _classes(logits: Tensor) -> range:
    return range(logits.shape[1])


def _worst(
    model: nn.Module, batch: Batch, eps: float, norm: Norm, steps: int, generator: torch.Generator
) -> Tensor:
    """The worst log-odds of a batch, (B, K)."""
    with torch.no_grad():
        logits = model(batch.x)
    clean = log_odds(logits)
    if not eps:
        return clean
    if logits.shape[1] == 2:
        gain = _searched(
            model, batch.x, batch.y, torch.ones_like(clean[:, 0]), eps, norm, steps, generator
        )
        own = batch.y[:, None] == torch.arange(2, device=gain.device)
        return torch.where(own, -gain[:, None], gain[:, None])
    columns = []
    for k in _classes(logits):
        sign = torch.where(batch.y == k, 1.0, -1.0).to(clean.dtype)
        target = torch.full_like(batch.y, k)
        gain = _searched(model, batch.x, target, sign, eps, norm, steps, generator)
        columns.append(-sign * gain)
    return torch.stack(columns, dim=1)


def _searched(
    model: nn.Module,
    x: Tensor,
    target: Tensor,  # (B,) classes
    sign: Tensor,  # (B,) 1: their scores shall fall, -1: rise
    eps: float,
    norm: Norm,
    steps: int,
    generator: torch.Generator,
) -> Tensor:
    """The highest sign times (minus score) of the targets, (B,), of two searches."""

    def loss(logits: Tensor, y: Tensor) -> Tensor:
        return sign * losses.slm(logits, y)

    radius = torch.full((len(x),), eps, device=x.device, dtype=x.dtype)
    starts = (x, lp.uniform(x, radius, norm, generator))
    one, two = (ascent.highest(model, loss, x, target, eps, steps, norm, s) for s in starts)
    return torch.maximum(one, two)
