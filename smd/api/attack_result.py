"""What `smd.attack` returns: every image's verdict, and what it says of the network."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from torch import Tensor

from smd.config.schema import Value
from smd.errors import UserError
from smd.stats import wilson
from smd.units import level_title


@dataclass(frozen=True, eq=False)
class AttackResult:
    """What an attack did to n images at one noise level, with s seeds. Tensors are on the CPU."""

    attack: str  # as in smd.registry.ATTACKS
    eps: float  # noise level, unit of x
    norm: str  # "Linf" or "L2"
    seeds: tuple[int, ...]
    batch_size: int  # images a batch, at the end
    settings: Mapping[str, Value]  # the attack's own, where they are not its defaults
    note: str  # what a reader must know, such as fewer classes than the attack has targets; or ""
    # reasons why it may have missed something: name -> sentence; see smd.analysis.flags
    flags: Mapping[str, str]
    label: Tensor  # (n,) int64
    robust_by_seed: Tensor  # (s, n) bool, classified correctly with each seed
    predicted: Tensor  # (s, n) int64, the class at the end
    distance: Tensor  # (s, n) float32, length of the noise, unit of x; 0 where there is none
    stages: np.ndarray  # (s, n) str, the stage that broke it; "clean", or "" if it withstood
    seconds: float
    _images: Tensor | None = field(default=None, repr=False)
    # sentences on the network, such as that it is random in eval mode: see smd.nets.checks
    cautions: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """How many images were judged."""
        return len(self.label)

    @property
    def robust(self) -> Tensor:
        """(n,) bool: still classified correctly, whatever the seed."""
        return self.robust_by_seed.all(0)

    @property
    def stage(self) -> tuple[str, ...]:
        """For each image the stage that broke it, with the first seed that did.

        "clean": misclassified without noise. "": no seed broke it.
        """
        first = (~self.robust_by_seed).int().argmax(0)
        return tuple(self.stages[first.numpy(), np.arange(self.n)].tolist())

    @property
    def accuracy(self) -> float:
        """Robust accuracy in [0, 1], the mean over the seeds, as in the paper's tables.

        `robust.float().mean()` is that of the worst case over the seeds.
        """
        return float(self.robust_by_seed.double().mean())

    @property
    def clean_accuracy(self) -> float:
        """Accuracy in [0, 1] without noise."""
        return float((self.stages[0] != "clean").mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of `accuracy` for n images, in [0, 1]."""
        low, high = wilson(np.array([self.accuracy]), np.array([self.n]))
        return float(low[0]), float(high[0])

    @property
    def adversarial(self) -> Tensor:
        """(n, C, H, W) float32 in [0, 1]: the adversarial image where one was found, else x itself.

        One so near to the boundary that rounding decides its class is not kept. Raises UserError
        unless it was asked for with keep_images=True.
        """
        if self._images is None:
            raise UserError("The images were not kept: ask for them with keep_images=True.")
        return self._images

    def to_frame(self) -> pd.DataFrame:
        """A row an image and seed: idx, label, seed, ok, pred, distance, broken_by.

        The columns are those of `load_run(...).verdicts()`; broken_by is `stage` of that seed.
        """
        parts = [
            pd.DataFrame(
                {
                    "idx": range(self.n),
                    "label": self.label.numpy(),
                    "seed": seed,
                    "ok": self.robust_by_seed[k].numpy(),
                    "pred": self.predicted[k].numpy(),
                    "distance": self.distance[k].numpy(),
                    "broken_by": self.stages[k],
                }
            )
            for k, seed in enumerate(self.seeds)
        ]
        return pd.concat(parts, ignore_index=True)

    def __repr__(self) -> str:
        low, high = (100 * end for end in self.interval)
        flags = f", flags: {', '.join(self.flags)}" if self.flags else ""
        flags += f", cautions: {len(self.cautions)}" if self.cautions else ""
        return (
            f"<{self.attack} at {level_title(self.eps, self.norm)}: {100 * self.accuracy:.2f} % of"
            f" {self.n} images are robust to it, 95 % interval {low:.2f} to {high:.2f}, clean"
            f" {100 * self.clean_accuracy:.2f} %{flags}>"
        )
