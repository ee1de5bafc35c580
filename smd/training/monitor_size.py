"""How many images the quick look after every epoch sees, and how closely.

Needs no torch, so that pages can say so.
"""

STEPS = 10  # of PGD
SAMPLES = 512  # of each split at most, always the same


def images(n_train: int, n_split: int) -> tuple[int, int]:
    """How many images of a split are looked at: (clean, under PGD), both of the first of the split.

    At most a quarter as many as there are training images are attacked, so that looking costs less
    than training.
    """
    return min(n_train, n_split), min(SAMPLES, n_split, -(-n_train // 4))
