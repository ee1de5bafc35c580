"""A figure of the paper: what it shows, and how it is made of runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import altair as alt

from smd.config.schema import AttackConfig, EstimateConfig, TrainConfig
from smd.runs.folders import Run

HEIGHT = 260  # of a plot on the screen, pixels; files have sizes of their own, see charts/files.py
Plot: TypeAlias = alt.Chart | alt.LayerChart


@dataclass(frozen=True)
class Figure:
    """One figure: drawn, or what to run so that it can be."""

    name: str  # "fig-6", as its files are called
    title: str
    about: str  # what is seen, and in which run
    panels: tuple[Plot, ...] = ()  # beside each other
    missing: TrainConfig | EstimateConfig | AttackConfig | None = None  # what fills it
    targets: tuple[Run, ...] = ()  # the trained runs that this is for
    warning: str = ""  # why what is seen may mislead
    runs: tuple[Run, ...] = ()  # that it is drawn from


@dataclass(frozen=True)
class Kind:
    """A figure that can be: which runs it may show, and how it is made of them."""

    name: str
    title: str
    # of all runs on the data, and those it shall show
    make: Callable[["Kind", Sequence[Run], Sequence[Run]], Figure]
    defense: str = ""  # "": several defenses beside each other

    def drawn(self, about: str, *panels: Plot, runs: Sequence[Run], warning: str = "") -> Figure:
        """The figure with its panels, and the runs that these are drawn from."""
        return Figure(self.name, self.title, about, panels, warning=warning, runs=tuple(runs))

    def lacking(
        self,
        about: str,
        missing: TrainConfig | EstimateConfig | AttackConfig,
        targets: Sequence[Run] = (),
    ) -> Figure:
        """The figure without panels, and what would fill it."""
        return Figure(self.name, self.title, about, missing=missing, targets=tuple(targets))
