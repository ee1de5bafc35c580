"""Attack tables as smd.store.reader gives them, made up."""

import math

import pandas as pd

from smd.config import TrainConfig

CIFAR = TrainConfig(data="cifar10", defense="smd")
COLUMNS = ["name", "steps", "norm", "split", "n", "eps", "accuracy", "seeds", "spread", "note", "lo", "hi"]
EMPTY = pd.DataFrame(columns=COLUMNS)


def attacked(shares, name="ce-pgd", steps=20, split="test", n=1000, seeds=1, norm="Linf", spread=math.nan, note=""):
    """An attack table with accuracies by level in 1/255."""
    rows = [
        {"name": name, "steps": steps, "norm": norm, "split": split, "n": n, "eps": k / 255, "accuracy": share,
         "seeds": seeds if k else 1, "spread": spread if k else math.nan, "note": note if k else "",
         "lo": share - 0.01, "hi": share + 0.01}
        for k, share in shares.items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)
