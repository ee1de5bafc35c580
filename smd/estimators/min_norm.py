"""The nearest adversarial image: Auto-PGD in a ball of its own size for every image.

Auto-PGD (Croce and Hein 2020, arXiv:2003.01690) looks for any misclassified image within a ball,
not for the nearest. So the ball's radius is searched image by image: it shrinks where the image
broke and grows where it did not, and each try starts from what the last one found. L2 starts with
DDN (smd.estimators.ddn). What is found is brought back to the boundary by bisection.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from smd.core import losses, lp, pgd
from smd.core.epgd import straddled
from smd.core.losses import Loss
from smd.core.lp import Norm
from smd.estimators import Found
from smd.estimators.ddn import ddn
from smd.estimators.nearest import Nearest
from smd.estimators.tries import Tried, attempt
from smd.nets.modes import frozen

TRIES = 5  # that the steps of a search last for, where the image withstands each to its end
FEW = 4  # steps of the shortest try
SHRINK = 0.9  # how much smaller the next ball is at least, after a success
AHEAD = 1.2  # the first radius, in distances to the boundary's linear approximation
NARROW = 0.004  # width of the bracket at which a search towards any class ends, as a share
NEARER = 0.02  # how much nearer a search towards one class looks at first, as a share
FINEST = 0.002  # and at last
FARTHER = 0.2  # and at most, where it finds something nearer again and again


@dataclass(frozen=True)
class MinNorm:
    """The closest of a search towards any class and of searches towards the likeliest others.

    A search takes at most some `steps` forward and backward passes and 6 forward passes a success;
    images whose search is over leave the batch. What the untargeted search misses, a target's
    rarely finds in a wide ball: it only looks where it would be nearer.
    """

    steps: int = 100
    targets: int = 9  # at most; 0: untargeted only
    restarts: int = 1  # all but the first start at random

    def estimate(
        self, model: nn.Module, x: Tensor, y: Tensor, norm: Norm, generator: torch.Generator
    ) -> Found:
        """See smd.estimators.Estimator; a sample that withstands all tries gets 0, uncrossed."""
        with frozen(model):
            found = Nearest(model, x, y, norm)
            radius, others = _approximated(model, x, y, norm)
            if norm == "L2":
                point, broken = ddn(model, losses.ce, x, y, radius, self.steps)
                found.enter(broken.nonzero().squeeze(1), point[broken])
            for k in range(self.restarts):
                start = lp.uniform(x, radius, norm, generator) if k else x
                if norm == "Linf" or k or not found.met.all():
                    self._towards_any(found, start, radius)
                for target in others.T[: self.targets]:
                    self._towards_one(found, start, torch.stack([y, target], 1))
            _, beyond = straddled(model, x, found.point, y)
        return Found(torch.where(found.met, lp.length(beyond - x, norm), 0.0), found.met)

    def _towards_any(self, found: Nearest, start: Tensor, radius: Tensor) -> None:
        """Widen each ball until its image breaks, then search the smallest in which it does.

        radius: (B,) the first, unit of x.
        """
        low, left = torch.zeros_like(radius), torch.full_like(found.y, self.steps)
        start, most = start.clone(), lp.longest(tuple(found.x.shape[1:]), found.norm)
        while True:
            radius = torch.where(found.met, _between(low, found.distance), radius).clamp(max=most)
            settled = (left <= 0) | (found.distance - low < NARROW * found.distance)
            rows = (~torch.where(found.met, settled, low >= most)).nonzero().squeeze(1)
            if not len(rows):
                return
            tried = self._try(found, losses.margin, rows, found.y, radius, start)
            left[rows] -= tried.steps.clamp_min(1)
            low[rows] = torch.where(tried.broken, low[rows], radius[rows])
            radius = torch.where(found.met, radius, 2 * radius)

    def _towards_one(self, found: Nearest, start: Tensor, pair: Tensor) -> None:
        """Look for something nearer towards one class; pair: (B, 2), true class and target."""
        left, start = torch.full_like(found.y, self.steps), start.clone()
        nearer = torch.full_like(found.distance, NEARER)
        while True:
            rows = ((left > 0) & (nearer > FINEST) & found.met).nonzero().squeeze(1)
            if not len(rows):
                return
            tried = self._try(
                found, losses.towards, rows, pair, found.distance * (1 - nearer), start
            )
            left[rows] -= tried.steps.clamp_min(1)
            wider = (2 * nearer[rows]).clamp(max=FARTHER)
            nearer[rows] = torch.where(tried.broken, wider, nearer[rows] / 4)

    def _try(
        self, found: Nearest, loss: Loss, rows: Tensor, goal: Tensor, radius: Tensor, start: Tensor
    ) -> Tried:
        """One try of some images; what is nearer is entered, and the next one starts from there.

        rows: (b,) positions; goal, radius and start are of all images.
        """
        x, y, norm = found.x[rows], found.y[rows], found.norm
        begin, steps = lp.project(start[rows], x, radius[rows], norm), max(self.steps // TRIES, FEW)
        tried = attempt(found.model, loss, x, y, goal[rows], radius[rows], steps, norm, begin)
        start[rows] = tried.point
        broken = rows[tried.broken]
        found.enter(broken, tried.point[tried.broken])
        start[broken] = found.point[broken]
        # what could not be entered is no success: else a ball would never end to widen
        return replace(tried, broken=tried.broken & found.met[rows])


def _between(low: Tensor, high: Tensor) -> Tensor:
    """The next radius to try in a bracket: its middle, but no less than nine tenths of its end."""
    near = torch.maximum((low + high) / 2, SHRINK * high)
    return torch.where(near > low, near, (low + high) / 2)


def _approximated(model: nn.Module, x: Tensor, y: Tensor, norm: Norm) -> tuple[Tensor, Tensor]:
    """First radii, (B,), and the other classes, the likeliest first, (B, K - 1).

    The distance to the boundary of a linear network is the logits' lead by the dual norm of its
    gradient; it is the least radius where that gradient is no number.
    """
    logits, gradient = pgd.input_gradient(model, losses.margin, x, y)
    flat = gradient.flatten(1)
    slope = flat.abs().sum(1) if norm == "Linf" else flat.norm(dim=1)
    lead = -losses.margin(logits, y)
    radius = (AHEAD * lead / slope.clamp_min(torch.finfo(x.dtype).tiny)).nan_to_num(0.0)
    ranked = logits.argsort(dim=1, descending=True)
    others = ranked[ranked != y[:, None]].view(len(x), -1)
    return radius.clamp(lp.pixel(tuple(x.shape[1:]), norm) / 10, 1.0), others
