"""The first half of EPGD.

PGD with each sample's own reach, looking at every iterate (paper, Alg. 2, l. 1-7).

The same points and flags are found in two ways. Where work counts, on a CPU, a sample leaves the
batch as soon as the rest of its way is known. Where launching work counts, on a GPU, or where
samples see each other through
batch norm, all stay and masks tell them apart: no shape depends on a value, so that nothing waits
for one.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from smd.core import losses, lp, pgd
from smd.core.losses import Loss
from smd.core.margin import Rules

STEPS = 20  # K of Alg. 2


@dataclass(frozen=True)
class Exploration:
    """Where to explore."""

    model: nn.Module
    x: Tensor  # (B, C, H, W) in [0, 1], correctly classified
    y: Tensor  # (B,)
    margin: Tensor  # (B,) unit of x, how far to go
    rules: Rules

    @property
    def loss(self) -> Loss:
        """What is climbed."""
        return losses.ce if self.rules.attack_loss == "ce" else losses.slm

    def at(self, rows: Tensor) -> "Exploration":
        """Some of its samples, by position or by mask."""
        return replace(self, x=self.x[rows], y=self.y[rows], margin=self.margin[rows])

    def step(self, point: Tensor, gradient: Tensor) -> Tensor:
        """One step of Eq. 2 from `point`, (B, C, H, W), a fifth of the margin long (alpha of Alg.
        2)."""
        length = lp.per_sample(4 * self.margin / STEPS, self.x)
        moved = point + length * lp.unit_step(gradient, self.rules.norm)
        return lp.project(moved, self.x, self.margin, self.rules.norm)

    def climb(self, point: Tensor) -> tuple[Tensor, Tensor]:
        """Whether each sample is wrong at `point`, (B,) bool, and the gradient there, (B, C, H, W).

        One forward pass serves both: the label check of an iterate costs nothing.
        """
        logits, gradient = pgd.input_gradient(self.model, self.loss, point, self.y)
        return logits.argmax(1) != self.y, gradient

    @torch.no_grad()
    def wrong(self, point: Tensor) -> Tensor:
        """Whether each sample is classified wrongly at `point`, (B,) bool."""
        return self.model(point).argmax(1) != self.y


@dataclass(frozen=True)
class Bracket:
    """Between which points the boundary is searched for."""

    # (B, C, H, W) x itself; under `first-crossing` the last iterate before the crossing
    near: Tensor
    # (B, C, H, W) the last iterate; under `first-crossing` of a crossed sample the first wrong one
    far: Tensor
    crossed: Tensor  # (B,) bool, some iterate was wrong


@dataclass(frozen=True)
class Start:
    """Alg. 2, l. 1: a clean sample is correct and no iterate, a random start is the first
    iterate."""

    point: Tensor  # (B, C, H, W)
    gradient: Tensor  # (B, C, H, W) there
    crossed: Tensor  # (B,) bool


def started(exploration: Exploration, start: Tensor | None, gradient: Tensor | None) -> Start:
    """From `start`, or from the clean samples, whose gradient may be known up to a positive
    factor."""
    if start is None and gradient is not None:
        return Start(exploration.x, gradient, torch.zeros_like(exploration.y, dtype=torch.bool))
    wrong, found = exploration.climb(exploration.x if start is None else start)
    return (
        Start(exploration.x, found, torch.zeros_like(wrong))
        if start is None
        else Start(start, found, wrong)
    )


def explore_masked(exploration: Exploration, start: Start) -> Bracket:
    """All samples together, step by step."""
    first = exploration.rules.search == "first-crossing"
    near, far, crossed = exploration.x, start.point, start.crossed
    point, gradient = start.point, start.gradient
    for k in range(1, STEPS + 1):
        before, point = point, exploration.step(point, gradient)
        wrong, gradient = (
            exploration.climb(point) if k < STEPS else (exploration.wrong(point), gradient)
        )
        going = lp.per_sample(~crossed, point)
        near = torch.where(going, before, near) if first else near
        far = torch.where(going, point, far) if first else point
        crossed = crossed | wrong
    return Bracket(near, far, crossed)


@dataclass(frozen=True)
class _Group:
    """Samples that are still on their way."""

    rows: Tensor  # (G,) which of the batch
    exploration: Exploration
    point: Tensor  # (G, C, H, W) x^(k)
    before: Tensor  # (G, C, H, W) x^(k-1)
    earlier: Tensor  # (G, C, H, W) x^(k-2)

    def moved(self, gradient: Tensor) -> "_Group":
        """One step on."""
        return replace(
            self,
            point=self.exploration.step(self.point, gradient),
            before=self.point,
            earlier=self.before,
        )

    def repeats(self) -> Tensor:
        """Which iterates equal one of the two before, (G,) bool: all later ones go round the same
        points."""
        fixed, swings = self.point == self.before, self.point == self.earlier
        return fixed.flatten(1).all(1) | swings.flatten(1).all(1)

    def kept(self, mask: Tensor) -> "_Group":
        """Those that go on."""
        if bool(mask.all()):
            return self
        return _Group(
            self.rows[mask],
            self.exploration.at(mask),
            self.point[mask],
            self.before[mask],
            self.earlier[mask],
        )


def explore_active(exploration: Exploration, start: Start) -> Bracket:
    """Each sample for itself.

    It leaves once its iterates repeat, and under `first-crossing` once it crosses.

    Where a point repeats, the labels of all that will follow have been looked at, and the last
    iterate is one of the two latest. The iterate after the last step is only looked at where no
    earlier one has crossed.
    """
    first = exploration.rules.search == "first-crossing"
    near, far, crossed = exploration.x.clone(), start.point.clone(), start.crossed.clone()
    every = torch.arange(len(far), device=far.device)
    group = _Group(every, exploration, start.point, start.point, start.point)
    group, gradient = (
        (group.kept(~crossed), start.gradient[~crossed]) if first else (group, start.gradient)
    )
    for k in range(1, STEPS + 1):
        if not len(group.rows):
            break
        group = group.moved(gradient)
        repeats = group.repeats()
        end = group.before if (STEPS - k) % 2 else group.point
        far[group.rows] = torch.where(lp.per_sample(repeats, end), end, group.point)
        near[group.rows] = group.before if first else group.exploration.x
        group = group.kept(~repeats if k < STEPS else ~crossed[group.rows])
        gradient = _look(group, crossed, last=k == STEPS)
        if first:
            right = ~crossed[group.rows]
            group, gradient = group.kept(right), gradient[right]
    return Bracket(near, far, crossed)


def _look(group: _Group, crossed: Tensor, last: bool) -> Tensor:
    """Note which iterates are wrong; the gradient at them, empty after the last step."""
    if not len(group.rows):
        return group.point
    if last:
        crossed[group.rows] |= group.exploration.wrong(group.point)
        return group.point
    wrong, gradient = group.exploration.climb(group.point)
    crossed[group.rows] |= wrong
    return gradient
