"""A finished epoch as it is stored, and as a line of the log."""

import numpy as np

from smd.config.schema import TrainConfig
from smd.store.records import EpochRecord
from smd.training.loop import EpochResult
from smd.units import level_title, show_length


def record_of(result: EpochResult) -> EpochRecord:
    """What is stored of an epoch: a row for each sample that it drew."""
    drawn = np.flatnonzero(result.drawn)
    states = {name: values[drawn] for name, values in result.state.items()}
    margins = states.pop("margin", None)
    flags = (result.clean_ok[drawn], result.adv_ok[drawn], result.crossed[drawn])
    return EpochRecord(result.epoch, result.metrics, margins, *flags, states, drawn)


def summary(result: EpochResult, config: TrainConfig) -> str:
    """One line of the log for one epoch."""
    by_key = {(m.split, m.name, m.eps): m.value for m in result.metrics}
    parts = [
        f"epoch {result.epoch}/{config.epochs}",
        f"loss {by_key.get(('train', 'loss', 0.0), float('nan')):.4f}",
    ]
    for split, name, eps in by_key:
        if split == "val" and name == "accuracy":
            level = f" at {level_title(eps, config.norm)}" if eps else " clean"
            parts.append(f"val{level} {100 * by_key[split, name, eps]:.2f} %")
    if ("train", "margin_mean", 0.0) in by_key:
        mean = show_length(by_key["train", "margin_mean", 0.0], config.norm)
        parts.append(f"mean margin {mean}" + " L2" * (config.norm == "L2"))
    return ", ".join(parts)
