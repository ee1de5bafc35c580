"""How many images the evaluation after every epoch takes, and with how many PGD steps.

Needs no torch, so that pages can say so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

STEPS = 10  # of PGD
SAMPLES = 512  # of each split at most, always the same
LARGE_SAMPLES = (
    64  # of images that are large: theirs would take longer than a plain training's epoch
)
SMALL = 64  # pixels or voxels a side of those that are not


def images(n_train: int, n_split: int, shape: Sequence[int]) -> tuple[int, int]:
    """How many images of a split are evaluated: (clean, under PGD), evenly spread over it.

    shape: of an image (C, H, W), or of a volume (C, D, H, W). At most a quarter as many as there
    are training images are attacked, so that this costs less than training.
    """
    return min(n_train, n_split), min(attacked(shape, SAMPLES), n_split, -(-n_train // 4))


def of_run(about: Mapping[str, Any], n_train: int, n_val: int) -> tuple[int, int]:
    """How many validation images a stored run's looks took, as `images`.

    about: what its store tells of it; earlier versions tell nothing, and took as many whatever
    the images' size.
    """
    told = about.get("looks")
    if isinstance(told, list) and len(told) == 2 and all(type(n) is int and n >= 0 for n in told):
        return told[0], told[1]
    return min(n_train, n_val), min(SAMPLES, n_val, -(-n_train // 4))


def of_training(about: Mapping[str, Any], n_train: int) -> int:
    """How many training images a stored run's looks attacked; about: as in `of_run`."""
    shape = about.get("shape")
    told = isinstance(about.get("looks"), list) and isinstance(shape, list)
    return min(attacked(shape, SAMPLES) if told and shape else SAMPLES, -(-n_train // 4))


def attacked(shape: Sequence[int], most: int) -> int:
    """How many images of that shape are attacked while and after training, where it would be `most`
    small ones: no more than LARGE_SAMPLES large ones."""
    return min(LARGE_SAMPLES, most) if max(shape[1:], default=0) > SMALL else most
