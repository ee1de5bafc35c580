"""Verdicts that hold without the work: of stages that draw nothing with earlier seeds, and of those
that know no noise level at other levels."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Known:
    """A stage's verdicts by position within the task's samples; meaningless where not `seen`."""

    seen: Tensor  # (n,) bool, there is a verdict
    fallen: Tensor  # (n,) bool, the stage breaks the sample
    pred: Tensor  # (n,) int16, predicted class
    distance: Tensor  # (n,) float32, length of the noise, unit of x

    def but(self, other: "Known") -> "Known":
        """Another's verdicts where it has any, its own elsewhere."""
        return replace(
            self,
            seen=self.seen | other.seen,
            fallen=torch.where(other.seen, other.fallen, self.fallen),
            pred=torch.where(other.seen, other.pred, self.pred),
            distance=torch.where(other.seen, other.distance, self.distance),
        )


def known(
    number: int,  # of the stage, from 1
    stage: np.ndarray,  # (s, n) int16, of s seeds: what broke a sample; 0: clean, -1: nothing
    pred: np.ndarray,  # (s, n) int16, at the end
    distance: np.ndarray,  # (s, n) float32, at the end
) -> Known:
    """The verdicts of a stage, for every sample that reached it with one of the earlier seeds.

    Of a sample that withstood it, class and noise are a later stage's, which will replace them.
    """
    reached = (stage < 0) | (stage >= number)
    first = reached.argmax(0)
    told = [of[first, np.arange(of.shape[1])] for of in (stage == number, pred, distance)]
    fallen, classes, lengths = (torch.from_numpy(of) for of in told)
    return Known(
        torch.from_numpy(reached.any(0)), fallen, classes.to(torch.int16), lengths.to(torch.float32)
    )


def merged(one: Mapping[int, Known], other: Mapping[int, Known]) -> dict[int, Known]:
    """What either tells, by stage; where both do, the other."""
    both = {stage: one[stage].but(other[stage]) for stage in one.keys() & other.keys()}
    return {**one, **other, **both}


def withstood(seen: Tensor, labels: Tensor) -> Known:
    """Verdicts of samples that withstand, (n,) bool: they are taken for what they are."""
    none = torch.zeros(len(seen))
    return Known(seen, none.bool(), labels.cpu().to(torch.int16), none)


@dataclass(eq=False)
class Nearest:
    """Within what noise a stage breaks each sample whatever the level, by the number of the stage
    from 1: (n,) float32, nan where that is not known."""

    by_stage: dict[int, Tensor] = field(default_factory=dict)

    def enter(self, stage: int, n: int, part: Tensor, nearest: Tensor) -> None:
        """What a batch of n samples has told; part: (B,) positions, nearest: (B,)."""
        whole = self.by_stage.setdefault(stage, torch.full((n,), torch.nan))
        whole[part] = torch.where(nearest.isnan(), whole[part], nearest)

    def at(self, eps: float, labels: Tensor) -> dict[int, Known]:
        """What withstands its stage at a level, by stage; the rest is not known here."""
        return {stage: withstood(far > eps, labels) for stage, far in self.by_stage.items()}
