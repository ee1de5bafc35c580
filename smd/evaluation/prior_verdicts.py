"""What a stage without randomness is known to do from earlier seeds, so that it is done once."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Known:
    """A stage's verdicts by position, within the samples asked for; they mean nothing where it is
    not known."""

    seen: Tensor  # (n,) bool, it is known
    fallen: Tensor  # (n,) bool, the stage breaks the sample
    pred: Tensor  # (n,) int16, predicted class
    distance: Tensor  # (n,) float32, length of the noise, unit of x


def known(
    number: int,  # of the stage, from 1
    # (s, n) int16, for s seeds: the stage that broke a sample, 0: clean, -1: it withstood
    stage: np.ndarray,
    pred: np.ndarray,  # (s, n) int16, at the end
    distance: np.ndarray,  # (s, n) float32, at the end
) -> Known:
    """What the verdicts of earlier seeds tell about a stage, for every sample that came to it with
    one of them.

    Of a sample that withstood it, class and noise are those of a later stage, which will replace
    them again.
    """
    reached = (stage < 0) | (stage >= number)
    first = reached.argmax(0)
    told = [of[first, np.arange(of.shape[1])] for of in (stage == number, pred, distance)]
    fallen, classes, lengths = (torch.from_numpy(of) for of in told)
    return Known(
        torch.from_numpy(reached.any(0)), fallen, classes.to(torch.int16), lengths.to(torch.float32)
    )
