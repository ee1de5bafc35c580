"""EPGD: explore with PGD, then search back to just before the decision boundary (paper, Alg. 2)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.core import lp
from smd.core.exploring import Bracket, Exploration, explore_active, explore_masked, started
from smd.core.margin import Rules
from smd.core.rng import Source

ROUNDS = 10  # N of Alg. 2: the boundary is found to 1/1024 of the margin
ROUNDS_OF_A_STEP = 8  # between two iterates, a fifth of the margin apart: to 1/1280 of it


@dataclass(frozen=True)
class Explored:
    """What EPGD finds for a batch."""

    x: Tensor  # (B, C, H, W) in [0, 1]: noisy samples on the correct side of the boundary
    crossed: Tensor  # (B,) bool, not Flag2: some iterate was misclassified


def epgd(
    model: nn.Module,
    x: Tensor,  # (B, C, H, W) in [0, 1], correctly classified
    y: Tensor,  # (B,)
    margin: Tensor,  # (B,) unit of x
    rules: Rules,
    generator: Source,
    gradient: Tensor | None = None,  # (B, C, H, W) at x where known, up to a positive factor
    masked: bool = False,
) -> Explored:
    """Alg. 2: explore as far as the margin, then search back to the correct side of the boundary.

    masked: all samples stay in every batch (see smd.core.exploring), as batch norm needs; what is
    found for samples that are misclassified when clean means nothing then.
    """
    exploration = Exploration(model, x, y, margin, rules)
    random = lp.uniform(x, margin, rules.norm, generator) if rules.start == "uniform" else None
    start = started(exploration, random, gradient)
    bracket = (explore_masked if masked else explore_active)(exploration, start)
    if rules.search == "literal":
        return Explored(_halve(model, x, bracket.far, y), bracket.crossed)
    return Explored(_searched(exploration, bracket, masked), bracket.crossed)


def _searched(exploration: Exploration, bracket: Bracket, masked: bool) -> Tensor:
    """Alg. 2, l. 8-15: the correct end of crossed samples' brackets; the others' last iterate."""
    rounds = ROUNDS_OF_A_STEP if exploration.rules.search == "first-crossing" else ROUNDS
    if masked:
        nearest = bisect(exploration.model, bracket.near, bracket.far, exploration.y, rounds)
        return torch.where(lp.per_sample(bracket.crossed, nearest), nearest, bracket.far)
    rows = bracket.crossed.nonzero().squeeze(1)
    if not len(rows):
        return bracket.far
    near, far, y = bracket.near[rows], bracket.far[rows], exploration.y[rows]
    return bracket.far.index_copy(0, rows, bisect(exploration.model, near, far, y, rounds))


@torch.no_grad()
def bisect(model: nn.Module, near: Tensor, far: Tensor, y: Tensor, rounds: int = ROUNDS) -> Tensor:
    """The farthest point found correct on the line from `near`, which is correct, to `far`; see
    `straddled`."""
    return straddled(model, near, far, y, rounds)[0]


@torch.no_grad()
def straddled(
    model: nn.Module, near: Tensor, far: Tensor, y: Tensor, rounds: int = ROUNDS
) -> tuple[Tensor, Tensor]:
    """The farthest point found correct on the line from `near`, which is correct, to `far`, and the
    nearest beyond it found misclassified, `far` itself where there is none.

    All (B, C, H, W); B is at least 1, or the ranks have no more. Ten halvings find the boundary to
    1/1024 of the line (App. A).
    """
    for _ in range(rounds):
        middle = (near + far) / 2
        right = lp.per_sample(model(middle).argmax(1) == y, near)
        near, far = torch.where(right, middle, near), torch.where(right, far, middle)
    return near, far


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
