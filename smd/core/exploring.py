"""The first half of EPGD: PGD within each sample's own margin (paper, Alg. 2, l. 1-7).

Every iterate is classified. Two functions find the same points and flags. `explore_active`, where
arithmetic counts (CPU): a sample leaves the batch as soon as its later iterates are known.
`explore_masked`, where kernel launches count (GPU) or batch norm couples the samples: all stay and
masks tell them apart, so that no shape depends on a value and nothing waits for one.
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
    """A batch, each sample's margin, and the rules: all that Alg. 2 is given."""

    model: nn.Module
    x: Tensor  # (B, C, H, W) in [0, 1], correctly classified
    y: Tensor  # (B,)
    margin: Tensor  # (B,) unit of x, how far to go
    rules: Rules

    @property
    def loss(self) -> Loss:
        """The loss whose gradient PGD follows, (B, K), (B,) -> (B,)."""
        return losses.ce if self.rules.attack_loss == "ce" else losses.slm

    def at(self, rows: Tensor) -> "Exploration":
        """The exploration of some of its samples: positions, (M,) int64, or a mask, (B,) bool."""
        return replace(self, x=self.x[rows], y=self.y[rows], margin=self.margin[rows])

    def step(self, point: Tensor, gradient: Tensor) -> Tensor:
        """One step of Eq. 2 from `point`, (B, C, H, W), a fifth of the margin long (Alg. 2)."""
        length = lp.per_sample(4 * self.margin / STEPS, self.x)
        moved = point + length * lp.unit_step(gradient, self.rules.norm)
        return lp.project(moved, self.x, self.margin, self.rules.norm)

    def classify_and_differentiate(self, point: Tensor) -> tuple[Tensor, Tensor]:
        """Which samples are misclassified at `point`, (B,) bool, and the gradient, (B, C, H, W).

        One forward pass serves both: the label check of an iterate costs nothing.
        """
        logits, gradient = pgd.input_gradient(self.model, self.loss, point, self.y)
        return logits.argmax(1) != self.y, gradient

    @torch.no_grad()
    def wrong(self, point: Tensor) -> Tensor:
        """Which samples are misclassified at `point`, (B,) bool."""
        return self.model(point).argmax(1) != self.y


@dataclass(frozen=True)
class Bracket:
    """The two ends between which the decision boundary is searched for.

    Under `first-crossing` a crossed sample has the last correct and the first wrong iterate.
    """

    near: Tensor  # (B, C, H, W), x itself
    far: Tensor  # (B, C, H, W), the last iterate
    crossed: Tensor  # (B,) bool, not Flag2: some iterate was misclassified


@dataclass(frozen=True)
class Start:
    """Where PGD starts (Alg. 2, l. 1): at the clean sample, or at a random first iterate."""

    point: Tensor  # (B, C, H, W)
    gradient: Tensor  # (B, C, H, W), of the loss at the point
    crossed: Tensor  # (B,) bool, a random start is misclassified; a clean sample is no iterate


def started(exploration: Exploration, start: Tensor | None, gradient: Tensor | None) -> Start:
    """The start at `start`, (B, C, H, W), or at the clean samples.

    gradient: that of the clean samples where it is known, up to a positive factor.
    """
    if start is None and gradient is not None:
        return Start(exploration.x, gradient, torch.zeros_like(exploration.y, dtype=torch.bool))
    point = exploration.x if start is None else start
    wrong, gradient = exploration.classify_and_differentiate(point)
    return Start(point, gradient, torch.zeros_like(wrong) if start is None else wrong)


def explore_masked(exploration: Exploration, start: Start) -> Bracket:
    """Alg. 2, l. 2-7, with all samples in every batch; works for samples coupled by batch norm."""
    first = exploration.rules.search == "first-crossing"
    near, far, crossed = exploration.x, start.point, start.crossed
    point, gradient = start.point, start.gradient
    for k in range(1, STEPS + 1):
        before, point = point, exploration.step(point, gradient)
        if k < STEPS:
            wrong, gradient = exploration.classify_and_differentiate(point)
        else:
            wrong = exploration.wrong(point)
        going = lp.per_sample(~crossed, point)
        near = torch.where(going, before, near) if first else near
        far = torch.where(going, point, far) if first else point
        crossed = crossed | wrong
    return Bracket(near, far, crossed)


@dataclass(frozen=True)
class _Group:
    """The samples whose later iterates are not known yet."""

    rows: Tensor  # (G,) int64, their positions in the batch
    exploration: Exploration
    point: Tensor  # (G, C, H, W) x^(k)
    before: Tensor  # (G, C, H, W) x^(k-1)
    earlier: Tensor  # (G, C, H, W) x^(k-2)

    def moved(self, gradient: Tensor) -> "_Group":
        """The group one PGD step later."""
        return replace(
            self,
            point=self.exploration.step(self.point, gradient),
            before=self.point,
            earlier=self.before,
        )

    def repeats(self) -> Tensor:
        """Which iterates equal one of the two before, (G,) bool: later ones repeat these points."""
        fixed, swings = self.point == self.before, self.point == self.earlier
        return fixed.flatten(1).all(1) | swings.flatten(1).all(1)

    def kept(self, mask: Tensor) -> "_Group":
        """The samples of a mask, (G,) bool."""
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
    """Alg. 2, l. 2-7, each sample for itself: it leaves the batch once its iterates repeat.

    Under `first-crossing` it also leaves once it crosses. Where a point repeats, all that follow
    have been classified, and the last iterate is one of the two latest. The iterate after the last
    step is only classified where no earlier one has crossed.
    """
    first = exploration.rules.search == "first-crossing"
    near, far, crossed = exploration.x.clone(), start.point.clone(), start.crossed.clone()
    every = torch.arange(len(far), device=far.device)
    group = _Group(every, exploration, start.point, start.point, start.point)
    gradient = start.gradient
    if first:
        group, gradient = group.kept(~crossed), gradient[~crossed]
    for k in range(1, STEPS + 1):
        if not len(group.rows):
            break
        group = group.moved(gradient)
        repeats = group.repeats()
        end = group.before if (STEPS - k) % 2 else group.point
        far[group.rows] = torch.where(lp.per_sample(repeats, end), end, group.point)
        near[group.rows] = group.before if first else group.exploration.x
        group = group.kept(~repeats if k < STEPS else ~crossed[group.rows])
        gradient = _classified(group, crossed, last=k == STEPS)
        if first:
            right = ~crossed[group.rows]
            group, gradient = group.kept(right), gradient[right]
    return Bracket(near, far, crossed)


def _classified(group: _Group, crossed: Tensor, last: bool) -> Tensor:
    """Note wrong iterates in `crossed`, (B,); the gradient there, unused after the last step."""
    if not len(group.rows):
        return group.point
    if last:
        crossed[group.rows] |= group.exploration.wrong(group.point)
        return group.point
    wrong, gradient = group.exploration.classify_and_differentiate(group.point)
    crossed[group.rows] |= wrong
    return gradient
