"""Rules at noise levels, with their labels."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from smd.units import show_level

from . import style

# how much of the axis "16/255" and "16" take where it is as narrow as on a phone
LABEL, NUMBER = (0.14, 0.06)
ROW = 12  # pixels


def at_levels(levels: Sequence[float], top: float, narrow: bool = False) -> alt.LayerChart:
    """Vertical rules at noise levels on an axis from 0 to top in 1/255, each with its label.

    Where the labels would cover each other they are bare numbers, as those of the axis are, in as
    many rows as it takes. narrow: the chart is small wherever it is shown.
    """
    at = [255 * eps for eps in levels]
    full = not narrow and max(rows(at, LABEL * top), default=0) == 0
    texts = [show_level(eps) if full else f"{255 * eps:.4g}" for eps in levels]
    room = (2 if narrow else 1) * NUMBER * top
    labels = pd.DataFrame(
        {"at": at, "text": texts, "row": [0] * len(at) if full else rows(at, room)}
    )
    line = (
        alt.Chart(labels)
        .mark_rule(strokeDash=[3, 3], opacity=0.7, color=style.GRAY)
        .encode(alt.X("at:Q"))
    )
    parts = [_labels(part, int(str(row))) for row, part in labels.groupby("row")]
    return alt.layer(line, *parts)


def rows(at: Sequence[float], room: float) -> list[int]:
    """The lowest row in which each label covers no other, from left to right; room: what a label
    takes, as `at`."""
    ends: list[float] = []  # of each row, where its last label is
    taken = []
    for place in at:
        free = [row for row, end in enumerate(ends) if place - end >= room]
        row = free[0] if free else len(ends)
        ends[row : row + 1] = [place]
        taken.append(row)
    return taken


def _labels(rows: pd.DataFrame, row: int) -> alt.Chart:
    text = alt.Chart(rows).mark_text(
        align="center", baseline="bottom", dy=-4 - ROW * row, fontSize=11, color=style.GRAY
    )
    return text.encode(alt.X("at:Q"), alt.Y(value=0), alt.Text("text:N"))
