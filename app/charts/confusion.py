"""The chart of a confusion matrix, whose cells can be clicked; pure."""

import altair as alt
import pandas as pd

from . import style

CELL = "cell"  # the name of the selection in the chart's events
RIGHT, WRONG = "#1a8a94", "#c8641f"  # robust and fooled, as on every page
NUMBERED = 16  # classes up to which every cell has its number
SIDE, HEAD = 34, 110  # pixels: the height of a row of cells, and of what stands above them
NARROW, SMALL = 14, 8  # where there are many classes: that height, and the size of their names
TALLER = 200  # of all rows together at least, where there are few classes
FULL = 55  # percent from which on the number is white
INK = {False: "#101617", True: "#e4eaea"}  # of other numbers, on a dark page or not


def matrix(rows: pd.DataFrame, classes: tuple[str, ...], dark: bool = False) -> alt.LayerChart:
    """Rows are the true classes, columns the predicted ones; the fuller, the more of the row.

    rows: label, pred, true, predicted (names, each once), n, percent (of the row's images), for
    every pair that has an image. dark: whether the page is.
    """
    base = _base(rows, list(classes))
    shade = alt.condition("datum.label == datum.pred", alt.value(RIGHT), alt.value(WRONG))
    cells = base.mark_rect(cornerRadius=2, cursor="pointer").encode(
        color=shade,
        opacity=alt.Opacity(
            "percent:Q", legend=None, scale=alt.Scale(domain=[0, 100], range=[0.12, 1])
        ),
        tooltip=[
            alt.Tooltip("true:N", title="true class"),
            alt.Tooltip("predicted:N", title="predicted class"),
            alt.Tooltip("n:Q", title="images"),
            alt.Tooltip("percent:Q", format=".1f", title="of this true class (%)"),
        ],
    )
    clicked = alt.selection_point(name=CELL, fields=["label", "pred"])
    if len(classes) > NUMBERED:
        return alt.layer(cells.add_params(clicked))
    ink = alt.condition(f"datum.percent >= {FULL}", alt.value("white"), alt.value(INK[dark]))
    text = base.mark_text(fontSize=12).encode(alt.Text("n:Q", format=","), color=ink)
    return alt.layer(cells.add_params(clicked), text)


def _base(rows: pd.DataFrame, order: list[str]) -> alt.Chart:
    """The grid of the classes; one that nothing is taken for has its place, too."""
    every, named = alt.Scale(domain=order), style.every_name(order)
    many = len(order) > NUMBERED
    side = NARROW if many else SIDE
    head = max(HEAD, style.LETTER * min(max(map(len, order)), style.LONGEST))
    small = {"labelFontSize": SMALL} if many else {}
    across = alt.Axis(labelAngle=-90 if many else -40, orient="top", **named, **small)
    return alt.Chart(rows, height=head + max(side * len(order), TALLER)).encode(
        alt.X("predicted:N", title="predicted class", scale=every, axis=across),
        alt.Y("true:N", title="true class", scale=every, axis=alt.Axis(**named, **small)),
    )
