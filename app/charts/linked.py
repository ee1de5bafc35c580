"""Curves of several measures below each other with one cursor: the epoch under the mouse is marked
in all of them. Pure functions."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from . import curves, style
from .curves import Look

HIGH, LOW = 320, 190  # a chart alone, and one of several
CURSOR = "cursor"
AREA = 400  # of the marks that nobody sees and the mouse finds


class Panel(NamedTuple):
    """One measure of several runs."""

    title: str  # of its axis, with the unit
    rows: pd.DataFrame  # columns run, defense, epoch, hours (since its start), shown


def overlaid(panels: Sequence[Panel], look: Look = curves.PLAIN) -> alt.TopLevelMixin:
    """A chart a measure, below each other; every run has one colour in all of them."""
    known = pd.concat([panel.rows for panel in panels]).drop_duplicates("run")
    colours = style.run_colours(known[["run", "defense"]])
    scale = alt.Scale(domain=list(known["run"]), range=colours)
    colour = alt.Color(
        "run:N", title=None, sort=None, scale=scale, legend=style.legend(list(known["run"]))
    )
    height = HIGH if len(panels) == 1 else LOW
    cursors = [_cursor(number) for number in range(len(panels))]
    anywhere = reduce(or_, cursors)  # the mouse is in one of the charts
    charts = [
        _panel(panel, look, colour, anywhere, height).add_params(cursor)
        for panel, cursor in zip(panels, cursors, strict=True)
    ]
    if len(charts) == 1:
        return charts[0]
    # Streamlit itself fits no charts of layers to the page's width
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    return alt.vconcat(*charts, spacing=14).properties(autosize=fit)


def _cursor(number: int) -> alt.Parameter:
    """The epoch nearest to the mouse in one of the charts."""
    return alt.selection_point(
        name=f"{CURSOR}{number}",
        on="pointerover",
        clear="pointerout",
        nearest=True,
        fields=["epoch"],
        empty=False,
    )


def _panel(
    panel: Panel, look: Look, colour: alt.Color, anywhere: Any, height: int
) -> alt.LayerChart:
    rows, x = curves.placed(panel.rows, None, look)
    base = alt.Chart(rows, height=height).encode(x, colour)
    scale = alt.Scale(zero=False)
    lines = curves.drawn(base, rows, ["run"], panel.title, look, scale, alt.Axis(), ".4~g")
    marked = base.transform_filter(anywhere)
    y = alt.Y("shown:Q", title=panel.title, scale=scale)
    return alt.layer(
        _reach(rows, x, panel.title, look, height),  # first, as it takes the cursor
        lines,
        marked.mark_rule(color=style.GRAY, strokeWidth=1).encode(x, color=alt.value(style.GRAY)),
        marked.mark_point(filled=True, size=45, opacity=1).encode(y),
    )


def _reach(rows: pd.DataFrame, x: alt.X, title: str, look: Look, height: int) -> alt.Chart:
    """What the mouse finds: over epochs a mark an epoch, which tells the values of all runs; over
    time, where epochs of runs are apart, one of each run's."""
    if look.time:
        tip = [
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("run:N"),
            alt.Tooltip("shown:Q", format=".4~g", title=title),
            *([curves.SURE] if "sure" in rows else []),
        ]
        every = alt.Chart(rows, height=height)
    else:
        runs = list(dict.fromkeys(rows["run"]))
        # names of runs may hold what a field's name may not
        fields = {run: f"run {number}" for number, run in enumerate(runs)}
        every = alt.Chart(_wide(rows).rename(columns=fields).reset_index(), height=height)
        tip = [
            alt.Tooltip("epoch:Q"),
            *(alt.Tooltip(f"{field}:N", title=run) for run, field in fields.items()),
        ]
    return every.mark_point(opacity=0, size=AREA).encode(x, tooltip=tip)


def _wide(rows: pd.DataFrame) -> pd.DataFrame:
    """What each run has in each epoch, in words: a column a run, with how sure it is where that is
    known."""
    told = [f"{value:.4g}" for value in rows["shown"]]
    if "sure" in rows:
        told = [f"{value} ({sure})" for value, sure in zip(told, rows["sure"], strict=True)]
    words = rows.assign(told=told).drop_duplicates(["epoch", "run"], keep="last")
    return words.pivot(index="epoch", columns="run", values="told")[[*dict.fromkeys(rows["run"])]]
