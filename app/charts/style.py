"""What charts share: colours that mean the same thing on every page, legends, axes."""

import altair as alt
import pandas as pd

from smd.core.kinds import CERTIFIED, EVERY, FOUND, MISCLASSIFIED, REACHED
from smd.registry import KNOWN_DEFENSES
from smd.units import level_title

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
BELOW = alt.Legend(title=None, orient="bottom", labelLimit=260)
ON_TOP = alt.Legend(title=None, orient="top", offset=6, padding=0, columns=3, labelLimit=260)
SOLID = alt.Legend(  # over a band, whose faint fill the symbols would take on
    title=None,
    orient="top",
    offset=6,
    padding=0,
    columns=3,
    labelLimit=260,
    symbolOpacity=1,
    symbolType="stroke",
    symbolStrokeWidth=2,
)


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
        wanted = colour(defense)
        free = [c for c in FREE if c not in used] or list(FREE)
        used.append(wanted if wanted not in used else free[0])
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
