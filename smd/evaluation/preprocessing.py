"""Clean accuracy under the usual preprocessings: the wrong one is the commonest fault of weights
from elsewhere, and looks like a weak network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from smd import stats
from smd.core.predicted import predicted
from smd.data.batches import Rows, in_order, looked_at, spread
from smd.data.images import Images
from smd.nets.modes import frozen
from smd.nets.normalized import Normalized
from smd.registry.normalisations import NORMALISATIONS

MOST = 1_000  # images
BATCH = 100
CHOSEN = "as given"


@dataclass(frozen=True)
class Preprocessed:
    """What became of the same images under one preprocessing."""

    title: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    reversed: bool  # whether the channels came as BGR
    right: np.ndarray  # (n,) bool

    @property
    def accuracy(self) -> float:
        """The share of correct images, in [0, 1]."""
        return float(self.right.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of it."""
        return stats.wilson_of_one(self.accuracy, len(self.right))


def measured(
    model: nn.Module, rows: Rows, mean: Sequence[float], std: Sequence[float]
) -> list[Preprocessed]:
    """The chosen preprocessing first, then each usual one that such images can have.

    model: with its own normalisation, `Normalized` by `mean` and `std` if there is one.
    """
    network = model.network if isinstance(model, Normalized) else model
    channels = int(rows.take(torch.arange(1)).x.shape[1])
    chosen = (tuple(mean), tuple(std))
    usual = [(n.title, n.mean, n.std) for n in NORMALISATIONS.values()]
    others = [each for each in usual if each[1:] != chosen and len(each[1]) in (0, 1, channels)]
    ways = [(CHOSEN, *chosen, False), *((*each, False) for each in others)]
    if channels == 3:
        ways += [(f"{title}, BGR", m, s, True) for title, m, s in [(CHOSEN, *chosen), *others]]
    return [
        Preprocessed(title, m, s, swap, _right(network, rows, m, s, swap))
        for title, m, s, swap in ways
    ]


def _right(
    network: nn.Module,
    rows: Rows,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    swap: bool,
) -> np.ndarray:
    first = rows.take(torch.arange(1)).x
    model = Normalized(network, first.shape[1], mean, std) if mean else network
    right = []
    with frozen(model.to(first.device)), torch.no_grad():
        for batch in in_order(rows, min(BATCH, looked_at(rows.shape)), MOST):
            x = batch.x.flip(1) if swap else batch.x
            right.append((predicted(model(x)) == batch.y).cpu())
    return torch.cat(right).numpy()


def patients(images: Images, rows: np.ndarray) -> stats.Patients | None:
    """Whose the images are that `measured` looks at, by their place; None where none is known.

    rows: those of the split.
    """
    facts = images.facts.at([int(row) for row in rows[spread(len(rows), MOST).numpy()]])
    return pd.Series(facts.units).astype(str) if facts.patients else None


def better(
    table: Sequence[Preprocessed], patients: stats.Patients | None = None
) -> Preprocessed | None:
    """The best other one, where it is better than the chosen one and the difference no chance.

    A paired test on the same images, over patients where they are known (smd.stats), its level
    shared among the others (Bonferroni). patients: whose the k-th image is, by k.
    """
    chosen, *others = table
    best = max(others, key=lambda each: each.accuracy, default=None)
    if best is None or best.accuracy <= chosen.accuracy:
        return None
    one, two = (pd.Series(each.right.astype(float)) for each in (best, chosen))
    p = stats.p_value(one, two, patients)
    return best if p is not None and p < stats.LEVEL / len(others) else None


def advice(table: Sequence[Preprocessed], classes: int, best: Preprocessed | None) -> str:
    """One sentence on the preprocessing that was chosen; best: as `better` says. "" where no other
    one is better."""
    chosen = table[0]
    if best:
        return f"{told(best)}. {told(chosen)}, which is worse: {_mend(best)}."
    if chosen.interval[0] <= 1 / classes:
        return (
            f"{told(chosen)}, which is no better than chance, and no usual preprocessing is"
            " better: are these the classes in the order that it was trained with, and this its"
            " kind of images?"
        )
    return ""


def told(each: Preprocessed) -> str:
    """Its clean accuracy with the interval and n, in words."""
    low, high = each.interval
    return (
        f"Preprocessing {each.title}: {100 * each.accuracy:.1f} % of clean test images are correct"
        f" ({100 * low:.1f} to {100 * high:.1f}, n = {len(each.right):,})"
    )


def _mend(best: Preprocessed) -> str:
    if best.reversed:
        return (
            "it seems to take blue, green, red; reverse the input channels of its first layer and"
            " import that"
        )
    if not best.mean:
        return "import it again without --mean and --std"
    mean, std = (",".join(f"{value:g}" for value in each) for each in (best.mean, best.std))
    return f"import it again with --mean {mean} --std {std}"
