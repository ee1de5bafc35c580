"""The strongest attack that a run has seen, with its verdicts and those on the clean images."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from smd import registry
from smd.analysis.agreement import thoroughness
from smd.config.notes import AVERAGED, SOUND
from smd.export.titles import attack_title
from smd.frames import records

SAME = 1e-6  # levels that differ by less are the same
SETTINGS = ["name", "steps", "norm", "n", "note"]  # of an attack whose levels belong together


@dataclass(frozen=True, eq=False)
class Strongest:
    """One attack at one noise level with one seed, beside the same images without noise."""

    title: str
    eps: float  # unit of x
    norm: str
    seed: int
    seeds: int  # how many it was run with at this level
    n: int
    name: str  # as in smd.registry.ATTACKS
    weights: str  # "last" or "ema"
    accuracy: float  # in [0, 1], the mean over the seeds
    noisy: pd.DataFrame  # PredictionRow
    clean: pd.DataFrame | None  # PredictionRow; None: not stored with this attack

    @property
    def clean_accuracy(self) -> float | None:
        """Of the same images without noise, in [0, 1]."""
        return None if self.clean is None else float(self.clean["ok"].mean())


def strongest(
    predictions: pd.DataFrame,
    accuracies: pd.DataFrame,
    watched: tuple[float, ...],
    norm: str = "Linf",
) -> Strongest | None:
    """The strongest of the attacks that these are of (PredictionRow), at the largest level that the
    run watches, or else the largest of all; None where there is none.

    accuracies: AccuracyRow of the same attacks. Attacks on the last weights, in the run's norm and
    without what others found (`--sound`) go before others; then by strength, starts, steps, n.
    """
    rows = records(predictions[predictions["eps"] > 0].drop_duplicates([*SETTINGS, "eps", "seed"]))
    if not rows:
        return None
    best = max(rows, key=lambda row: _rank(row, norm))
    same = _alike(predictions, best)
    eps = _largest(same, watched)
    seeds = same[_near(same, eps)]
    row = _alike(accuracies, best)
    clean, first = same[same["eps"] == 0], int(seeds["seed"].min())
    return Strongest(
        title=attack_title(str(best["name"]), best["note"], _steps(best["steps"])),
        eps=eps,
        norm=str(best["norm"]),
        seed=first,
        seeds=int(seeds["seed"].nunique()),
        n=int(best["n"]),
        name=str(best["name"]),
        weights="ema" if AVERAGED in str(best["note"]) else "last",
        accuracy=float(row.loc[_near(row, eps), "accuracy"].mean()),
        noisy=seeds[seeds["seed"] == first],
        clean=clean[clean["created"] == clean["created"].max()] if len(clean) else None,
    )


def _largest(table: pd.DataFrame, watched: tuple[float, ...]) -> float:
    """The largest level that is watched, or else the largest of all."""
    levels = sorted(float(eps) for eps in table["eps"].unique() if eps > 0)
    return ([level for level in levels if _among(level, watched)] or levels)[-1]


def _near(table: pd.DataFrame, eps: float) -> "pd.Series[bool]":
    return (table["eps"] - eps).abs() < SAME


def _rank(row: dict[str, Any], norm: str) -> tuple[float, ...]:
    ranked, note = registry.by_strength(), str(row["note"])
    return (
        AVERAGED not in note,
        row["norm"] == norm,
        SOUND not in note.split(),
        ranked.index(row["name"]) if row["name"] in ranked else -1,
        _starts(str(row["name"]), note),
        _steps(row["steps"]),
        row["n"],
        row["created"],
    )


def _starts(name: str, note: str) -> int:
    """Random starts; 0 where a note from elsewhere says no number."""
    try:
        return thoroughness(name, note)
    except ValueError:
        return 0


def _alike(table: pd.DataFrame, one: dict[str, Any]) -> pd.DataFrame:
    """The rows with the same settings at any level."""
    return table[np.logical_and.reduce([_is(table[name], one[name]) for name in SETTINGS])]


def _is(column: "pd.Series[Any]", value: Any) -> "pd.Series[bool]":
    """Where a column holds this value; nothing is like nothing, or like an empty text."""
    return column.isna() | (column == value) if value == "" or pd.isna(value) else column == value


def _among(eps: float, levels: tuple[float, ...]) -> bool:
    return any(abs(eps - level) < SAME for level in levels)


def _steps(value: Any) -> int:
    return 0 if pd.isna(value) else int(value)
