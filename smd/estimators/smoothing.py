"""Randomised smoothing (Cohen, Rosenfeld and Kolter 2019): a certificate of another network.

The smoothed network answers an image with the class that the trained one gives most often under
Gaussian noise. It cannot be computed, only sampled: what is certified holds with probability at
least 1 - alpha for each image. It says nothing of the trained network itself, whose own boundary
may lie anywhere.

Their theorem is of noise that is not clipped, so the network is asked outside [0, 1], too.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smd.core.lp import Norm
from smd.core.predicted import predicted
from smd.errors import UserError
from smd.estimators import Found
from smd.nets.modes import frozen

INWARD = 1e-6  # share by which a certified radius is made smaller, as float32 rounds it


@dataclass(frozen=True)
class Smoothing:
    """Their CERTIFY: `selection` draws name the class, `samples` others bound its probability."""

    sigma: float = 0.25
    selection: int = 100
    samples: int = 1000
    alpha: float = 0.001

    judges = True  # see smd.estimators.Found.right

    def estimate(
        self, model: nn.Module, x: Tensor, y: Tensor, norm: Norm, generator: torch.Generator
    ) -> Found:
        """See smd.estimators.Estimator; margins are radii of the smoothed network, 0 where it
        abstains or answers another class, which alone counts as crossed."""
        if norm != "L2":
            raise UserError("Smoothing certifies lengths in L2 alone: choose that norm.")
        with frozen(model), torch.no_grad():
            likeliest = self._counts(model, x, self.selection, generator).argmax(1)
            counts = self._counts(model, x, self.samples, generator)
        hits = counts.gather(1, likeliest[:, None]).squeeze(1)
        radius = torch.from_numpy(self.radius(hits.cpu().numpy())).to(x.device)
        answers, right = radius > 0, likeliest == y
        margin = torch.where(right, radius * (1 - INWARD), 0).to(x.dtype)
        return Found(margin, answers & ~right, answers & right)

    def radius(self, hits: np.ndarray) -> np.ndarray:
        """The certified radius where `hits` of the samples were of the class: (B,) int -> (B,)
        float64; 0: it abstains.

        From the lower end of Clopper and Pearson's one-sided interval, which must be above 1/2.
        """
        from scipy import stats  # more than a second, which those who smooth nothing need not wait

        lower = np.zeros(len(hits))
        some = hits > 0
        lower[some] = stats.beta.ppf(self.alpha, hits[some], self.samples - hits[some] + 1)
        return np.where(lower > 0.5, self.sigma * stats.norm.ppf(np.maximum(lower, 0.5)), 0.0)

    def _counts(
        self, model: nn.Module, x: Tensor, draws: int, generator: torch.Generator
    ) -> Tensor:
        """How often each class was answered, (B, K); an answer that is not finite is of none."""
        total = torch.zeros((), dtype=torch.int64, device=x.device)
        for _ in range(draws):
            noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
            logits = model(x + self.sigma * noise)
            total = total + F.one_hot(predicted(logits) + 1, logits.shape[1] + 1)[:, 1:]
        return total
