"""How a network is optimised: one recipe common to all defenses, or a defense's published one.

Two more are for going on from weights that are there. A schedule is written in shares of the run,
so that it fits runs of any length.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Choice = Literal["common", "official", "finetune", "finetune-adamw"]
Optimizer = Literal["sgd", "adamw"]


@dataclass(frozen=True)
class Recipe:
    """SGD with momentum 0.9, or AdamW.

    As it stands: that of MMA and SMD, common to all (paper, Sec. 4).
    """

    lr: float = 0.3
    weight_decay: float = 2e-4
    # (share of the run, factor)
    drops: tuple[tuple[float, float], ...] = ((0.4, 0.3), (0.6, 0.1), (0.8, 0.03))
    epochs: int = 150
    batch: int = 128
    decay_weights_only: bool = False  # neither biases nor normalisation layers
    slowdown: float = 0.0  # per step taken: the rate is divided by 1 + slowdown * steps
    optimizer: Optimizer = "sgd"  # adamw: its decay is decoupled, its betas are torch's
    cosine: bool = False  # instead of drops: half a cosine, from the first rate towards 0

    def rate(self, epoch: int, epochs: int, steps: int = 0) -> float:
        """The learning rate of an epoch, counted from 0; steps: optimiser steps taken before it."""
        if self.cosine:
            return self.lr * (1 + math.cos(math.pi * epoch / epochs)) / 2
        passed = [factor for share, factor in self.drops if epoch >= round(share * epochs)]
        return self.lr * (passed[-1] if passed else 1.0) / (1 + self.slowdown * steps)


COMMON = Recipe()
# Rate and decay: full-network transfer of robust networks (Salman et al. 2020, App. A), which takes
# 150 epochs; ten are what adversarial fine-tuning needs (Jeddi et al. 2020).
FINETUNE = Recipe(lr=0.01, weight_decay=5e-4, drops=(), epochs=10, cosine=True)
# Decay, cosine and no decay of biases and scales: fine-tuning of ConvNeXt and MAE (Liu et al., He
# et al. 2022). Their rates are for large batches and rates that fall layer by layer; 1e-4 is the
# usual one without (Kumar et al. 2022 try 3e-7 to 3e-3).
FINETUNE_ADAMW = Recipe(
    lr=1e-4,
    weight_decay=0.05,
    drops=(),
    epochs=10,
    decay_weights_only=True,
    optimizer="adamw",
    cosine=True,
)
SHARED: Mapping[str, Recipe] = {  # recipes that are the same for every defense
    "common": COMMON,
    "finetune": FINETUNE,
    "finetune-adamw": FINETUNE_ADAMW,
}


def dropping(epochs: int, *drops: tuple[int, float]) -> tuple[tuple[float, float], ...]:
    """Recipe.drops of a published schedule; drops: (epoch from 0, factor of the first rate)."""
    return tuple((epoch / epochs, factor) for epoch, factor in drops)
