"""Self-adaptive margins: Eq. 12-14, EPGD (Alg. 2) and the margin update (Alg. 1, l. 11-12).

Pure functions on tensors. Margins and noise levels are lengths in the unit of x, pixels in [0, 1].
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from smd import losses, lp, pgd
from smd.lp import Norm

RHO = 0.9  # App. D
STEPS = 20  # K of Alg. 2
ROUNDS = 10  # N of Alg. 2: the boundary is found to 1/1024 of the explored way


@dataclass(frozen=True)
class Rules:
    """Where the paper, its pseudo-code read to the letter and the authors' later code part."""

    norm: Norm = "Linf"
    search: Literal["bisect", "literal"] = "bisect"
    start: Literal["clean", "uniform"] = "clean"
    attack_loss: Literal["ce", "slm"] = "ce"
    noisy_loss: Literal["correct", "crossed"] = "correct"  # which samples it is taken over
    gamma1_unit: Literal["pixel", "delta"] = "pixel"  # what Eq. 13's exponent counts
    gamma2_gradient: Literal["sample", "batch"] = "sample"  # of each one's loss, or of the total
    statistics: Literal["kept", "updated"] = "kept"  # batch norm's running ones while attacking


def initial_step(epochs: int, shape: tuple[int, ...], norm: Norm = "Linf") -> float:
    """Delta, the first margin and the longest expansion: Eq. 12, a whole number of 1/255.

    The ratio h(x)/N / h(x/255) is 255/N for every norm; whole numbers keep its ceiling exact.
    """
    return -(-255 // epochs) * lp.pixel(shape, norm)


def gamma1(margin: Tensor, unit: float) -> Tensor:
    """Eq. 13: the decay by the noise level already reached, (B,) in (0, 1].

    In float32 a margin of 7 units divided by the unit falls just below 7; the shift keeps the floor.
    """
    return RHO ** torch.floor(margin / unit + 1e-4)


def gamma2(gradient: Tensor, norm: Norm = "Linf") -> Tensor:
    """Eq. 14: the decay by the steepness at the noisy sample, (B, ...) -> (B,) in (0, 1]."""
    return 1 / (1 + lp.length(gradient, norm))


def updated(
    margin: Tensor,  # (B,) before
    distance: Tensor,  # (B,) from x to the noisy sample just before the boundary
    growth: Tensor,  # (B,) delta * gamma1 * gamma2
    correct: Tensor,  # (B,) bool, Flag1: the clean sample is classified correctly
    crossed: Tensor,  # (B,) bool, not Flag2: some iterate was classified wrongly
) -> Tensor:
    """The margins after one step: Alg. 1, l. 11-12.

    A misclassified sample keeps its margin, since it has no noisy sample to measure.
    """
    moved = torch.where(crossed, distance, margin + growth)
    return torch.where(correct, moved, margin)


@dataclass(frozen=True)
class Explored:
    """What EPGD hands back for a batch."""

    x: Tensor  # (B, C, H, W) in [0, 1]: noisy samples on the correct side of the boundary
    crossed: Tensor  # (B,) bool, not Flag2


def epgd(
    model: nn.Module,
    x: Tensor,  # (B, C, H, W) in [0, 1], correctly classified
    y: Tensor,  # (B,)
    margin: Tensor,  # (B,) unit of x
    rules: Rules,
    generator: torch.Generator,
    whole_batch: bool = False,
) -> Explored:
    """Explore with PGD, then search back to just before the decision boundary: Alg. 2.

    whole_batch: search for every sample, not only for those that crossed. Needed where samples
    see each other through batch norm, so that all of them stay in the batch.
    """
    far, crossed = _explore(model, x, y, margin, rules, generator)
    rows = torch.arange(len(x), device=x.device) if whole_batch else crossed.nonzero().squeeze(1)
    if rules.search == "literal":
        return Explored(_halve(model, x, far, y), crossed)
    found = bisect(model, x[rows], far[rows], y[rows])
    near = far.index_copy(0, rows, found)
    return Explored(torch.where(lp.per_sample(crossed, x), near, far), crossed)


def _explore(
    model: nn.Module, x: Tensor, y: Tensor, margin: Tensor, rules: Rules, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Alg. 2, l. 1-7: the last iterate and whether any iterate was classified wrongly."""
    start = lp.uniform(x, margin, rules.norm, generator) if rules.start == "uniform" else None
    loss = losses.ce if rules.attack_loss == "ce" else losses.slm
    crossed = torch.zeros_like(y, dtype=torch.bool)
    last = x
    path = pgd.iterates(model, loss, x, y, margin, 4 * margin / STEPS, STEPS, rules.norm, start)
    for k, (point, logits) in enumerate(path):
        last = point
        if k > 0 or start is not None:  # the clean sample itself is no iterate
            crossed |= logits.argmax(1) != y
    return last, crossed


@torch.no_grad()
def bisect(model: nn.Module, x: Tensor, far: Tensor, y: Tensor) -> Tensor:
    """The last point found correct between x and far, in ten halvings (App. A: to 1/1024)."""
    if not len(x):
        return x
    near = x
    for _ in range(ROUNDS):
        middle = (near + far) / 2
        right = lp.per_sample(model(middle).argmax(1) == y, x)
        near, far = torch.where(right, middle, near), torch.where(right, far, middle)
    return near


@torch.no_grad()
def _halve(model: nn.Module, x: Tensor, far: Tensor, y: Tensor) -> Tensor:
    """Alg. 2, l. 8-15 to the letter: the first correct point of x + (far - x) / 2^k, else x."""
    out = x
    middle = (far + out) / 2
    for _ in range(ROUNDS):
        right = lp.per_sample(model(middle).argmax(1) == y, x)
        out = torch.where(right, middle, out)
        middle = (middle + out) / 2
    return out
