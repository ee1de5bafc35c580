"""One exploration with PGD, as the estimators take it: Alg. 2 with a witness for every crossing."""

import torch
from torch import Tensor, nn

from smd.core import losses, lp, pgd
from smd.core.epgd import Explored, bisect
from smd.core.exploring import STEPS
from smd.core.lp import Norm


def explore(
    model: nn.Module,
    x: Tensor,  # (B, C, H, W) in [0, 1], classified correctly
    y: Tensor,  # (B,)
    radius: Tensor,  # (B,) unit of x
    norm: Norm,
) -> Explored:
    """Explore as far as the radius, then search back to just before the decision boundary.

    This is smd.core.epgd.epgd but for samples whose iterates crossed and came back: Alg. 2 searches
    towards the last iterate, which is correct there; this one towards the last misclassified
    iterate, so that a boundary lies just behind every crossed sample's point.
    """
    last = wrong = x
    crossed = torch.zeros_like(y, dtype=torch.bool)
    path = pgd.iterates(model, losses.ce, x, y, radius, 4 * radius / STEPS, STEPS, norm)
    next(path)  # the clean sample itself is no iterate
    for point, logits in path:
        misclassified = logits.argmax(1) != y
        last, crossed = point, crossed | misclassified
        wrong = torch.where(lp.per_sample(misclassified, x), point, wrong)
    rows = crossed.nonzero().squeeze(1)
    if not len(rows):
        return Explored(last, crossed)
    near = bisect(model, x[rows], wrong[rows], y[rows])
    return Explored(last.index_copy(0, rows, near), crossed)
