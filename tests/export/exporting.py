"""Attack tables as smd.store.reader gives them, made up."""

import math

import numpy as np
import pandas as pd

from smd.config.schema import TrainConfig

CIFAR = TrainConfig(data="cifar10", defense="smd")
COLUMNS = [
    "name",
    "steps",
    "norm",
    "split",
    "n",
    "eps",
    "accuracy",
    "seeds",
    "spread",
    "note",
    "lo",
    "hi",
]
EMPTY = pd.DataFrame(columns=COLUMNS)


def attacked(
    shares,
    name="ce-pgd",
    steps=20,
    split="test",
    n=1000,
    seeds=1,
    norm="Linf",
    spread=math.nan,
    note="",
):
    """An attack table with accuracies by level in 1/255."""
    rows = [
        {
            "name": name,
            "steps": steps,
            "norm": norm,
            "split": split,
            "n": n,
            "eps": k / 255,
            "accuracy": share,
            "seeds": seeds if k else 1,
            "spread": spread if k else math.nan,
            "note": note,
            "lo": share - 0.01,
            "hi": share + 0.01,
        }
        for k, share in shares.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def judged(
    flags,
    name="ce-pgd",
    steps=20,
    split="test",
    norm="Linf",
    note="",
    images="key",
    source=None,
    patient=None,
):
    """(attack table, image verdicts) of one run: level in 1/255 -> whether each image withstood, or
    its share."""
    tables, verdicts = [], []
    for k, ok in flags.items():
        share = np.asarray(ok, float)
        n, idx = len(share), np.arange(len(share))
        about = {"name": name, "steps": steps, "split": split, "n": n, "norm": norm, "note": note}
        tables.append(attacked({k: share.mean()}, **about))
        verdicts.append(
            pd.DataFrame(
                {
                    **about,
                    "eps": k / 255,
                    "idx": idx,
                    "source": idx if source is None else source,
                    "share": share,
                    "ok": share == 1,
                    "seeds": 1,
                    "images": images,
                    "patient": patient,
                }
            )
        )
    return pd.concat(tables, ignore_index=True), pd.concat(verdicts, ignore_index=True)


def first(right, n=100):
    """The first so many of n images withstood."""
    return np.arange(n) < right
