"""The events of a job as trackers take them, and what a tracker is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class About:
    """What a tracker is told of the run before the first event."""

    run: str  # its id
    folder: Path
    config: Mapping[str, str]  # every field of the run's config
    provenance: Mapping[str, str]  # the version, the commit, packages and the machine


@dataclass(frozen=True)
class Histogram:
    """Margins in steps of 1/255: `counts[i]` images are in [bins[i], bins[i] + 1) / 255."""

    bins: Sequence[int]  # rising
    counts: Sequence[int]


@dataclass(frozen=True)
class Epoch:
    """One epoch's numbers, accuracies as shares in [0, 1]."""

    epoch: int  # counted from 1
    moment: float  # Unix seconds
    values: Mapping[str, float]  # "val/robust accuracy at 8/255" -> number
    # "margins found" and "margins reached"; misclassified images have no margin: a count in values
    margins: Mapping[str, Histogram] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """What one attack or one estimate of margins says of the trained network."""

    epoch: int  # of the network
    moment: float  # Unix seconds
    values: Mapping[str, float]


@dataclass(frozen=True)
class End:
    """The end of a job, with all that the run's store has by then."""

    status: str  # "finished", "cancelled" or "failed"
    tables: Mapping[str, str]  # name of the file -> CSV
    card: str  # the model card, Markdown; "" where there is none yet


class Sink(Protocol):
    """One tracker. Made, called and left in a thread of its own; whatever it raises turns it off.

    A job calls `begin`, then the others in the order of events, `end` last unless it was killed.
    """

    def begin(self, about: About) -> int:
        """Open the run, the same one as an earlier job's; returns the last epoch that it holds
        wholly, 0 if none: up to that one no epoch is handed over."""
        ...

    def epoch(self, event: Epoch) -> None:
        """Keep an epoch; `begin` of a later job must not answer it before it is all kept."""
        ...

    def attack(self, event: Judged) -> None:
        """Keep an attack's accuracy; it may have been kept before."""
        ...

    def estimate(self, event: Judged) -> None:
        """Keep what an estimate says of margins; it may have been kept before."""
        ...

    def end(self, event: End) -> None:
        """Keep tables and card in place of earlier ones, and close."""
        ...
