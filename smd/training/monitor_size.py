"""How many images the evaluation after every epoch takes, and with how many PGD steps.

Needs no torch, so that pages can say so.
"""

STEPS = 10  # of PGD
SAMPLES = 512  # of each split at most, always the same


def images(n_train: int, n_split: int) -> tuple[int, int]:
    """How many images of a split are evaluated: (clean, under PGD), always the first of them.

    At most a quarter as many as there are training images are attacked, so that this costs less
    than training.
    """
    return min(n_train, n_split), min(SAMPLES, n_split, -(-n_train // 4))
