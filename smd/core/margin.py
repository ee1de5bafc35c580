"""Self-adaptive margins: Eq. 12-14 and the margin update (Alg. 1, l. 11-12).

Pure functions on tensors. Margins and noise levels are lengths in the unit of x, pixels in [0, 1].
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from smd.core import lp
from smd.core.lp import Norm
from smd.core.schedule import EXACT, RHO


@dataclass(frozen=True)
class Rules:
    """Decisions in which the paper, its literal pseudo-code and the authors' later code differ."""

    norm: Norm = "Linf"
    search: Literal["bisect", "literal", "first-crossing"] = "bisect"
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
    """Eq. 13: the decay by the margin already reached, (B,) unit of x -> (B,) in (0, 1].

    In float32, 7 units divided by the unit fall just below 7; EXACT keeps the floor at 7.
    """
    return RHO ** torch.floor(margin / unit + EXACT)


def gamma2(gradient: Tensor, norm: Norm = "Linf") -> Tensor:
    """Eq. 14: the decay by the loss's gradient at the noisy sample, (B, ...) -> (B,) in (0, 1]."""
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
