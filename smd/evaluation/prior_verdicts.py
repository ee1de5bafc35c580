"""Verdicts of a deterministic stage with earlier seeds, which hold for every later one."""

from dataclasses import dataclass

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
