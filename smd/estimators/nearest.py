"""The nearest misclassified image that a search has met, for every image of a batch."""

import torch
from torch import Tensor, nn

from smd.core import lp
from smd.core.lp import Norm

ROUNDS = 6  # of bisection each time that something nearer is met; the last one goes on to the end


def misclassified(logits: Tensor, y: Tensor) -> Tensor:
    """Where another class is the highest, (B,) bool; logits that are no numbers tell of none."""
    return (logits.argmax(1) != y) & logits.isfinite().all(1)


class Nearest:
    """Images, and the nearest misclassified ones met so far: each is an upper bound of a margin."""

    def __init__(self, model: nn.Module, x: Tensor, y: Tensor, norm: Norm) -> None:
        """x: (B, C, H, W) in [0, 1], classified correctly; y: (B,)."""
        self.model, self.x, self.y, self.norm = model, x, y, norm
        self.point = x.clone()  # (B, C, H, W), x itself as long as there is none
        self.distance = torch.full((len(x),), torch.inf, device=x.device, dtype=x.dtype)

    @property
    def met(self) -> Tensor:
        """Where there is one: (B,) bool."""
        return self.distance.isfinite()

    @torch.no_grad()
    def enter(self, rows: Tensor, far: Tensor) -> None:
        """Keep misclassified images where they are nearer than what was kept.

        rows: (b,) positions; far: (b, C, H, W), which are moved towards their image first.
        """
        x, y = self.x[rows], self.y[rows]
        near = x
        for _ in range(ROUNDS if len(rows) else 0):
            middle = (near + far) / 2
            wrong = lp.per_sample(misclassified(self.model(middle), y), x)
            near, far = torch.where(wrong, near, middle), torch.where(wrong, middle, far)
        length = lp.length(far - x, self.norm)
        better = length < self.distance[rows]
        self.distance[rows[better]] = length[better]
        self.point[rows[better]] = far[better]
