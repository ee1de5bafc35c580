"""Charts of margins: with a range drawn in them, class by class, from one epoch to another; pure
functions."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from smd.core.kinds import EVERY

from . import histograms, rules, style

BRUSH = "brush"  # the name of every chart's selection
TEAL, ORANGE, GRAY = style.COLOURS["smd"], style.COLOURS["std"], style.GRAY

CLASS_TIP = [
    "kind:N",
    alt.Tooltip("low:Q", title="from (1/255)"),
    alt.Tooltip("n:Q", title="images"),
    alt.Tooltip("percent:Q", format=".1f", title="of the class (%)"),
]
FLOW_TIP = [
    alt.Tooltip("x:Q", title="before, from (1/255)"),
    alt.Tooltip("y:Q", title="after, from (1/255)"),
    alt.Tooltip("n:Q", title="images"),
]
CHANGE_TIP = [
    "class:N",
    alt.Tooltip("n:Q", format=",", title="images"),
    alt.Tooltip("q25:Q", format="+.2f", title="a quarter below"),
    alt.Tooltip("q50:Q", format="+.2f", title="median"),
    alt.Tooltip("q75:Q", format="+.2f", title="a quarter above"),
]


def brushed(
    counts: pd.DataFrame,
    levels: Sequence[float],
    images: str,
    span: tuple[float, float] | None,
    within: pd.DataFrame,
) -> alt.LayerChart:
    """charts.histogram over which a range can be drawn; its events name the range as "low".

    span: the range that is selected already, 1/255. within: bin, n of the selected images, drawn
    before the others.
    """
    bars, *rest = histograms.histogram(counts, levels, images).layer
    layers = [bars.add_params(alt.selection_interval(name=BRUSH, encodings=["x"])), *rest]
    if not within.empty:
        layers.append(_selected(within))
    if span:
        band = alt.Chart(pd.DataFrame({"from": [span[0]], "to": [span[1]]}))
        band = band.mark_rect(color=ORANGE, opacity=0.12)
        layers.insert(0, band.encode(alt.X("from:Q"), alt.X2("to:Q")))
    return alt.layer(*layers)


def _selected(within: pd.DataFrame) -> alt.Chart:
    """The selected images' bars; within: bin, n."""
    rows = within.assign(low=within["bin"].astype(float), high=within["bin"] + 1.0)
    tip = [
        alt.Tooltip("low:Q", title="from (1/255)"),
        alt.Tooltip("n:Q", title="selected images"),
    ]
    bars = alt.Chart(rows).mark_bar(color=ORANGE, opacity=0.9, binSpacing=0.5)
    return bars.encode(alt.X("low:Q", bin="binned"), alt.X2("high:Q"), alt.Y("n:Q"), tooltip=tip)


def of_class(
    counts: pd.DataFrame, levels: Sequence[float], ends: tuple[float, float]
) -> alt.LayerChart:
    """A small histogram of one class, found, reached and misclassified apart.

    counts: kind, bin, percent (of the class), n; ends: of both axes (1/255, %). The colours are
    those of `legend`.
    """
    rows, _ = histograms.placed(counts, ends[0])
    # for every class, whether it has misclassified images or not
    left = -2 * max(1.0, ends[0] / 25)
    x = alt.X(
        "low:Q",
        title=style.MARGIN,
        bin="binned",
        axis=style.NOT_NEGATIVE,
        scale=alt.Scale(domain=[left, ends[0]], nice=False),
    )
    bars = alt.Chart(rows, height=215).mark_bar(binSpacing=0.3)
    bars = bars.encode(
        x,
        alt.X2("high:Q"),
        alt.Y("percent:Q", title="share (%)", scale=alt.Scale(domain=[0, ends[1]])),
        style.kind_colour(rows, legend=None),
        alt.Order("order:Q"),
        tooltip=CLASS_TIP,
    )
    drawn = [eps for eps in levels if 255 * eps <= ends[0]]
    return alt.layer(bars, rules.at_levels(drawn, ends[0], narrow=True))


def legend(counts: pd.DataFrame) -> alt.LayerChart:
    """One legend for small histograms: the kinds of margins that there are, in their colours."""
    present = [kind for kind in EVERY if kind in set(counts["kind"])]
    rows = pd.DataFrame({"kind": present, "at": [float(k) for k in range(len(present))]})
    colours = alt.Scale(domain=present, range=[style.KIND_COLOURS[kind] for kind in present])
    x = alt.X("at:Q", axis=None, scale=alt.Scale(domain=[-0.1, len(EVERY) - 1], nice=False))
    base = alt.Chart(rows, height=18, width=310).encode(x)
    square = base.mark_square(size=110, opacity=1).encode(
        alt.Color("kind:N", legend=None, scale=colours)
    )
    text = base.mark_text(align="left", dx=10, color=GRAY, fontSize=12).encode(alt.Text("kind:N"))
    return alt.layer(square, text)


def flow(cells: pd.DataFrame, before: str, after: str) -> alt.LayerChart:
    """Where margins were and where they are: cells with x, y (1/255, lower ends), width, n; titles
    of the axes."""
    rows = cells.assign(x2=cells["x"] + cells["width"], y2=cells["y"] + cells["width"])
    top = float(rows[["x2", "y2"]].to_numpy().max())
    scale = alt.Scale(domain=[0, top], nice=False)
    # Opacity, no scheme: few images are near the background, whether that is light or dark.
    shade = alt.Opacity(
        "n:Q",
        title="images",
        scale=alt.Scale(type="log", range=[0.15, 1]),
        legend=alt.Legend(orient="top", tickCount=4, format="~s"),
    )
    heat = alt.Chart(rows, height=360).mark_rect(color=TEAL)
    heat = heat.encode(
        alt.X("x:Q", title=f"{before} (1/255)", scale=scale),
        alt.X2("x2:Q"),
        alt.Y("y:Q", title=f"{after} (1/255)", scale=scale),
        alt.Y2("y2:Q"),
        shade,
        tooltip=FLOW_TIP,
    )
    line = alt.Chart(pd.DataFrame({"x": [0.0, top], "y": [0.0, top]})).mark_line(
        color=GRAY, strokeDash=[4, 3], strokeWidth=1.5
    )
    return alt.layer(heat, line.encode(alt.X("x:Q"), alt.Y("y:Q")))


def changes(rows: pd.DataFrame, order: Sequence[str]) -> alt.LayerChart:
    """How each class's margins have changed: rows class, q25, q50, q75 (1/255)."""
    y = alt.Y("class:N", sort=list(order), title=None, axis=alt.Axis(**style.every_name(order)))
    # 70: the axis below takes its room from it
    base = alt.Chart(rows, height=70 + 26 * len(rows)).encode(y)
    zero = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=GRAY, strokeDash=[3, 3])
    half = base.mark_bar(height=7, opacity=0.45, color=TEAL, cornerRadius=3).encode(
        alt.X("q25:Q", title="change of the margin (1/255)"), alt.X2("q75:Q"), tooltip=CHANGE_TIP
    )
    median = base.mark_point(filled=True, size=60, color=TEAL, opacity=1)
    median = median.encode(alt.X("q50:Q"), tooltip=CHANGE_TIP)
    return alt.layer(zero.encode(alt.X("at:Q")), half, median)
