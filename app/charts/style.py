"""What charts share: colours that mean the same thing on every page, legends, axes."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import altair as alt
import pandas as pd
from altair.utils import schemapi

from smd.core.kinds import CERTIFIED, EVERY, FOUND, MISCLASSIFIED, REACHED
from smd.registry import KNOWN_DEFENSES
from smd.units import level_title

schemapi.disable_debug_mode()  # a chart is checked as a whole, not each part as it is made

GRAY = "#8a9091"  # rules, clean images, what has no colour of its own
MARGIN = "margin (1/255)"  # titles of axes, with their units
ACCURACY = "accuracy (%)"
COLOURS = {name: entry.colour for name, entry in KNOWN_DEFENSES.items()}  # one on every page
PALETTE = (  # classes and others without a colour of their own
    "#1a8a94",
    "#c8641f",
    "#6c7bb0",
    "#9c5a96",
    "#7b8b48",
    "#b08d2a",
    "#4f9d69",
    "#b5495b",
    "#4c8fc4",
    "#8c6d5a",
    "#c77fb0",
    "#5f8f8a",
    "#98a53f",
)
# what a margin says, on every page
KIND_COLOURS = {
    FOUND: "#1a8a94",
    CERTIFIED: "#7b8b48",
    REACHED: "#8cc3c8",
    MISCLASSIFIED: "#9c5a96",
}
# for second runs of a defense
FREE = ("#6c7bb0", "#9c5a96", "#7b8b48", "#b08d2a", "#4f9d69", "#b5495b", GRAY)
LEVELS = (GRAY, "#1a8a94", "#c8641f", "#9c5a96")  # clean, then rising noise levels
HEIGHT = 280
# left of 0 are no margins
NOT_NEGATIVE = alt.Axis(labelExpr="datum.value < 0 ? '' : datum.label", grid=False)
BELOW = alt.Legend(title=None, orient="bottom", labelLimit=0)
ON_TOP = alt.Legend(title=None, orient="top", offset=6, padding=0, columns=3, labelLimit=0)
LETTER, SYMBOL = 6.2, 34  # pixels that a letter takes in legends and on axes, and a legend's symbol
LEGEND = 440  # pixels that a legend may count on
LINE = 18, 32  # letters after which a legend begins a new line, and at which it does at the latest
BREAK = f"regexp('(.{{{LINE[0]},{LINE[1] - 1}}}[ ,;/-])', 'g')"
LINES = f"split(replace(datum.label, {BREAK}, '$1\\n'), '\\n')"
LONGEST = 45  # letters of a name on an axis; of a longer one the tooltip has the rest
STEP = 5.0  # axes of accuracies end at multiples of so many points
FEWEST = 2  # such steps that an axis has at least, so that noise does not look like order


def legend(names: Sequence[str], orient: Literal["top", "bottom"] = "top") -> alt.Legend:
    """A legend of lines with these names: none is cut or left out, and as many stand beside each
    other as there is room for. Solid, also over a band, whose faint fill symbols would take on."""
    longest = max((min(len(name), LINE[1]) for name in names), default=1)
    return alt.Legend(
        title=None,
        orient=orient,
        offset=6,
        padding=0,
        columns=max(1, min(3, int(LEGEND // (LETTER * longest + SYMBOL)))),
        labelLimit=0,
        labelExpr=LINES,
        symbolLimit=len(names) + 1,
        symbolOpacity=1,
        symbolType="stroke",
        symbolStrokeWidth=2,
    )


def every_name(names: Sequence[str]) -> dict[str, Any]:
    """Of an axis of names: none is skipped, and only those are cut that would leave the chart no
    room."""
    longest = max(map(len, names), default=1)
    return {
        "labelOverlap": False,
        "labelLimit": 0 if longest <= LONGEST else round(LETTER * LONGEST),
    }


def accuracies(values: Iterable[float]) -> alt.Scale:
    """An axis of lines and points over all these accuracies and ends of intervals (%), to the next
    5 points: from 0 on only where they reach down to it, so that differences can be judged."""
    known = [value for value in values if value == value] or [0.0, 100.0]
    low, high = STEP * math.floor(min(known) / STEP), STEP * math.ceil(max(known) / STEP)
    least = FEWEST * STEP
    low = max(min(low, high - least), 0.0)
    return alt.Scale(domain=[low, min(max(high, low + least), 100.0)], nice=False, zero=False)


def margin(norm: str) -> str:
    """The title of an axis of margins in that norm."""
    return MARGIN if norm == "Linf" else f"margin ({norm})"


def colour(defense: str) -> str:
    """A defense's colour on every page."""
    return KNOWN_DEFENSES[defense].colour if defense in KNOWN_DEFENSES else GRAY


def level_name(eps: float, norm: str = "Linf") -> str:
    """A noise level as a legend shows it."""
    return level_title(eps, norm) if eps else "clean"


def run_colours(runs: pd.DataFrame) -> list[str]:
    """A colour for each run: its defense's; a second run of the same defense gets a free one."""
    used: list[str] = []
    for defense in runs["defense"]:
        free = [c for c in (colour(defense), *FREE, *PALETTE) if c not in used]
        used.append(free[0] if free else PALETTE[len(used) % len(PALETTE)])
    return used


def kind_colour(rows: pd.DataFrame, legend: alt.Legend | None = BELOW) -> alt.Color:
    """Bars coloured by what their margins say."""
    present = [kind for kind in EVERY if kind in set(rows["kind"])]
    scale = alt.Scale(domain=present, range=[KIND_COLOURS[kind] for kind in present])
    return alt.Color("kind:N", title=None, sort=present, legend=legend, scale=scale)


def epochs(last: int) -> alt.X:
    """The axis of the epochs, from 0 to the last one."""
    return alt.X(
        "epoch:Q",
        title="epoch",
        scale=alt.Scale(domain=[0, max(last, 2)], nice=False),
        axis=alt.Axis(format="d"),
    )


def alone(rows: pd.DataFrame) -> bool:
    """A single epoch is a point: a line of it would be invisible."""
    return bool(rows["epoch"].nunique() < 2)
