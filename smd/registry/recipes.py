"""How a network is optimised: one recipe common to all defenses, or a defense's published one.

A schedule is written in shares of the run, so that it fits runs of any length.
"""

from dataclasses import dataclass
from typing import Literal

Choice = Literal["common", "official"]


@dataclass(frozen=True)
class Recipe:
    """SGD with momentum 0.9. As it stands: that of MMA and SMD, common to all (paper, Sec. 4)."""

    lr: float = 0.3
    weight_decay: float = 2e-4
    # (share of the run, factor)
    drops: tuple[tuple[float, float], ...] = ((0.4, 0.3), (0.6, 0.1), (0.8, 0.03))
    epochs: int = 150
    batch: int = 128
    decay_weights_only: bool = False  # neither biases nor normalisation layers
    slowdown: float = 0.0  # per step taken: the rate is divided by 1 + slowdown * steps

    def rate(self, epoch: int, epochs: int, steps: int = 0) -> float:
        """The learning rate of an epoch, counted from 0; steps: optimiser steps taken before it."""
        passed = [factor for share, factor in self.drops if epoch >= round(share * epochs)]
        return self.lr * (passed[-1] if passed else 1.0) / (1 + self.slowdown * steps)


COMMON = Recipe()


def dropping(epochs: int, *drops: tuple[int, float]) -> tuple[tuple[float, float], ...]:
    """Recipe.drops of a published schedule; drops: (epoch from 0, factor of the first rate)."""
    return tuple((epoch / epochs, factor) for epoch, factor in drops)
