"""What a run has to choose from: classes, margins, epochs, noise levels, embeddings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from smd.config.notes import noted
from smd.runs import image_sets
from smd.runs.folders import Run
from smd.store import reader
from smd.units import level_title

from .. import data
from . import sources
from .sources import Source


@dataclass(frozen=True)
class Choices:
    """What the filters can be set to, for the images of one split of a run."""

    split: str
    classes: tuple[str, ...] = ()
    source: Source | None = None  # whose margins count
    epochs: tuple[int, ...] = ()  # of whose end the run keeps margins, ascending
    top: float = 0.0  # the end of the axis of margins, 1/255
    levels: Mapping[str, float] = field(default_factory=dict)  # attacked: as shown -> unit of x
    maps: frozenset[str] = frozenset()  # ids of the embeddings of the split
    sets: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # of images, by their names
    norm: str = "Linf"  # of the levels
    own: str = "Linf"  # norm of the margins that the run itself keeps

    @property
    def changes(self) -> bool:
        """Whether it can be asked how margins changed: the run keeps some, in the norm of those
        that count."""
        return bool(self.source and self.epochs and self.source.norm == self.own)

    def epoch(self, wanted: int | None) -> int:
        """The last epoch that is kept up to the wanted one, or of all; 0 if none is kept."""
        if not self.epochs:
            return 0
        return max((e for e in self.epochs if not wanted or e <= wanted), default=self.epochs[0])

    def between(self, wanted: tuple[int, int] | None) -> tuple[int, int]:
        """Two epochs to compare, the first and the last unless others are wanted; 0, 0 without."""
        if not self.epochs:
            return 0, 0
        low, high = self.epochs[0], self.epochs[-1]
        start, end = wanted or (low, high)
        return max(low, min(start, high)), min(high, max(end, low))


def of(run: Run, query: Mapping[str, Any]) -> Choices:
    """Those of a run; query: as from state.read, of which split and show count, the key of the
    margins that Margins shows."""
    shown = query["show"]
    split = query["split"] or first_split(run, shown)
    epochs = data.read(reader.margin_summary, run.store)["epoch"]
    source, norm = margins_of(run, split, shown), attacked_in(run, split)
    maps = data.read(reader.embeddings, run.store)
    return Choices(
        split,
        data.value(reader.class_names, run.store),
        source,
        tuple(sorted(int(epoch) for epoch in epochs)),
        top(run) if source and source.norm == "Linf" else 0.0,
        levels(run, split, norm),
        frozenset(maps.loc[maps["split"] == split, "id"]),
        image_sets.of_split(run, split),
        norm,
        run.config.norm,
    )


def margins_of(run: Run, split: str, shown: str | None) -> Source | None:
    """Whose margins of that split's images count: those shown on Margins, else the run's own, else
    the newest in its norm, else the newest.

    Lower bounds, margins of averaged weights and those of images chosen by hand only where they are
    shown.
    """
    known = [s for s in sources.of(run) if s.split == split]
    usual = [s for s in known if not (s.certified or s.picked) and s.weights == "last"]
    usual.sort(key=lambda source: source.norm != run.config.norm)
    return next((s for s in known if s.key == shown), usual[0] if usual else None)


def top(run: Run) -> float:
    """The end of the axis of margins, whole 1/255: larger than every margin of the run in Linf.

    The same for all splits: a slider with another end would be another one, which takes the old
    one's address.
    """
    largest = [
        (
            sources.results(s)["margin"]
            if s.estimate
            else data.read(reader.margin_summary, run.store)["max"]
        ).max()
        for s in sources.of(run)
        if s.norm == "Linf"
    ]
    return float(np.floor(255 * np.nanmax(largest) + 1)) if np.isfinite(largest).any() else 0.0


def levels(run: Run, split: str, norm: str) -> dict[str, float]:
    """The noise levels at which images of the split were attacked: as shown -> unit of x."""
    rows = _attacked(run, split)
    found = sorted(rows.loc[rows["norm"] == norm, "eps"].unique())
    return {level_title(eps, norm): float(eps) for eps in found}


def attacked_in(run: Run, split: str) -> str:
    """The norm whose attacks count: the run's own, or the other where all attacks are in that."""
    norms, own = set(_attacked(run, split)["norm"]), run.config.norm
    return own if own in norms or not norms else str(min(norms))


def _attacked(run: Run, split: str) -> pd.DataFrame:
    """Of the last weights: what was asked of averaged ones has its own verdicts."""
    table = data.read(reader.attack_table, run.store)
    averaged = noted(table["note"], reader.AVERAGED)
    return table[~averaged & (table["eps"] > 0) & (table["split"] == split)]


def first_split(run: Run, shown: str | None) -> str:
    """The images that are looked at first: those whose margins a link names, else the first with
    margins."""
    known = sources.of(run)
    linked = next((s.split for s in known if shown in (s.key, s.title)), None)
    return linked or (known[0].split if known else "train")
