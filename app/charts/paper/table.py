"""The figures, in the order of the paper."""

from collections.abc import Mapping, Sequence

from smd.runs.folders import Run

from . import accuracy, margins
from .figure import Figure, Kind
from .runs import candidates, usual

Chosen = Mapping[str, Sequence[str]]  # a figure's name -> ids of the runs that it shall show
FIGURES = (
    Kind(
        "fig-5",
        "Fig. 5 · PGD's margins of a clean network, looking 16/255 and 8/255 far",
        margins.probed,
        "std",
    ),
    Kind("fig-6", "Fig. 6 · SMD's margins", margins.margins, "smd"),
    Kind("fig-7", "Fig. 7 · MMA's margins", margins.margins, "mma"),
    Kind(
        "fig-8",
        "Fig. 8 · SMD's clean and noisy accuracy while it trains",
        accuracy.training_curves,
        "smd",
    ),
    Kind("accuracy-noise", "Accuracy against the noise level", accuracy.robustness),
)


def of(runs: Sequence[Run], chosen: Chosen | None = None) -> list[Figure]:
    """The figures from runs on one data set, the newest first; chosen: where others are wanted than
    the usual."""
    return [figure(kind, runs, chosen or {}) for kind in FIGURES]


def figure(kind: Kind, runs: Sequence[Run], chosen: Chosen) -> Figure:
    """One figure of the runs chosen for it, else of the usual ones."""
    picked = [run for run in candidates(runs, kind.defense) if run.id in chosen.get(kind.name, ())]
    return kind.make(kind, runs, picked or usual(kind, runs))
