"""Charts of Theorem 3.1's argument: which class presses on the boundary, what follows, how margins
are spread; pure."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from . import style

TEAL, GRAY = style.COLOURS["smd"], style.GRAY
MOST = len(style.PALETTE)  # classes that have a colour of their own
OTHERS = "other classes"
PRESSURE_TIP = [
    "class:N",
    "epoch:Q",
    alt.Tooltip("relative:Q", format=".2f", title="times the mean"),
    alt.Tooltip("found:Q", title="images at the boundary"),
]
DENSITY_TIP = [
    "epoch:Q",
    alt.Tooltip("low:Q", title="from (1/255)"),
    alt.Tooltip("percent:Q", format=".2f", title="% of the class for each 1/255"),
]


def coloured(rows: pd.DataFrame, order: Sequence[str]) -> tuple[pd.DataFrame, alt.Scale]:
    """Rows with the name that their colour stands for, and the colours.

    The same for a class in every chart.

    order: the classes that have a colour of their own; all others are gray together.
    """
    rows = rows.assign(shown=rows["class"].where(rows["class"].isin(order), OTHERS))
    names, colours = list(order), list(style.PALETTE[: len(order)])
    more = bool((rows["shown"] == OTHERS).any())
    return rows, alt.Scale(domain=names + [OTHERS] * more, range=colours + [GRAY] * more)


def pressure(rows: pd.DataFrame, order: Sequence[str]) -> alt.LayerChart:
    """Each class's noisy images at the boundary over the classes' mean, epoch by epoch.

    rows: class, epoch, relative, found; only the classes of `order` are drawn.
    """
    rows = rows[rows["class"].isin(order)]
    last = int(rows["epoch"].max())
    even = alt.Chart(pd.DataFrame({"at": [1.0]})).mark_rule(color=GRAY, strokeDash=[3, 3])
    x = alt.X(
        "epoch:Q",
        title="epoch",
        scale=alt.Scale(domain=[0, max(last, 2)], nice=False),
        axis=alt.Axis(format="d"),
    )
    lines = (
        alt.Chart(rows, height=style.HEIGHT)
        .mark_line(strokeWidth=1.8, point=bool(rows["epoch"].nunique() < 2))
        .encode(
            x,
            alt.Y("relative:Q", title="pressure (1 = mean)"),
            _classes(rows, order),
            tooltip=PRESSURE_TIP,
        )
    )
    return alt.layer(even.encode(alt.Y("at:Q")), lines)


def _classes(rows: pd.DataFrame, order: Sequence[str]) -> alt.Color:
    """The colours of the classes, with a legend."""
    _, scale = coloured(rows, order)
    legend = style.legend(order, "bottom")
    return alt.Color("class:N", sort=list(order), title=None, scale=scale, legend=legend)


def forces(rows: pd.DataFrame, order: Sequence[str]) -> alt.LayerChart:
    """Pressure in an epoch against what followed, both less what is usual.

    rows: class, epoch, pressure, held_percent, found, repeated, held. The line is the weighted
    least-squares fit.
    """
    rows, scale = coloured(rows, order)
    points = (
        alt.Chart(rows, height=style.HEIGHT)
        .mark_circle(opacity=0.55)
        .encode(
            alt.X("pressure:Q", title="pressure, less usual (1 = mean)"),
            alt.Y("held_percent:Q", title="held, less usual (%-points)"),
            alt.Color("shown:N", scale=scale, legend=None),
            alt.Size("repeated:Q", legend=None, scale=alt.Scale(range=[8, 160])),
            tooltip=[
                "class:N",
                "epoch:Q",
                alt.Tooltip("found:Q", title="images at the boundary"),
                alt.Tooltip("repeated:Q", title="of these there in more than one epoch"),
                alt.Tooltip("held:Q", title="of these held in the next epoch"),
                alt.Tooltip("pressure:Q", format="+.2f", title="pressure, less usual"),
                alt.Tooltip("held_percent:Q", format="+.1f", title="held, less usual (%-points)"),
            ],
        )
    )
    return alt.layer(points, _fit(rows))


def _fit(rows: pd.DataFrame) -> alt.Chart:
    x, y, weight = rows["pressure"], rows["held_percent"], np.sqrt(rows["repeated"])
    slope, intercept = np.polyfit(x, y, 1, w=weight) if x.nunique() > 1 else (0.0, 0.0)
    ends = pd.DataFrame({"pressure": [x.min(), x.max()]})
    ends["held_percent"] = intercept + slope * ends["pressure"]
    line = alt.Chart(ends).mark_line(color=GRAY, strokeWidth=2)
    return line.encode(alt.X("pressure:Q"), alt.Y("held_percent:Q"))


def density(rows: pd.DataFrame, ends: tuple[float, float, float]) -> alt.Chart:
    """How one class's margins are spread, epoch by epoch.

    rows: epoch, every, low, width (1/255), density (share of the class for each 1/255); ends: of
    the epochs, the margins (1/255) and the colours (% for each 1/255).
    """
    rows = rows.assign(
        high=rows["low"] + rows["width"],
        start=rows["epoch"] - rows["every"],
        percent=100 * rows["density"],
    )
    epochs, margins = (alt.Scale(domain=[0, end], nice=False) for end in ends[:2])
    shade = alt.Scale(type="sqrt", domain=[0, ends[2]], range=[0.04, 1])
    whole = alt.Axis(format="d", tickMinStep=1)
    return (
        alt.Chart(rows, height=190)
        .mark_rect(color=TEAL)
        .encode(
            alt.X("start:Q", title="epoch", scale=epochs, axis=whole),
            alt.X2("epoch:Q"),
            alt.Y("low:Q", title=style.MARGIN, scale=margins),
            alt.Y2("high:Q"),
            alt.Opacity("percent:Q", legend=None, scale=shade),
            tooltip=DENSITY_TIP,
        )
    )
