"""Charts of margins that can be asked: brushed, class by class, from one epoch to another; pure functions."""

from collections.abc import Sequence

import altair as alt
import charts
import numpy as np
import pandas as pd

BRUSH = "brush"  # the name of every chart's selection
TEAL, ORANGE, GRAY = charts.COLOURS["smd"], charts.COLOURS["std"], "#8a9091"


def brushed(
    counts: pd.DataFrame, levels: Sequence[float], images: str, span: tuple[float, float] | None, within: pd.DataFrame
) -> alt.LayerChart:
    """charts.histogram over which a range can be drawn; its events name the range as "low".

    span: the range that is selected already, 1/255. within: bin, n of the selected images, drawn before the others.
    """
    chart = charts.histogram(counts, levels, images)
    bars, *rest = chart.layer
    bars = bars.add_params(alt.selection_interval(name=BRUSH, encodings=["x"]))
    layers = [bars, *rest]
    if not within.empty:
        rows = within.assign(low=within["bin"].astype(float), high=within["bin"] + 1.0)
        layers.append(
            alt.Chart(rows).mark_bar(color=ORANGE, opacity=0.9, binSpacing=0.5).encode(
                alt.X("low:Q", bin="binned"), alt.X2("high:Q"), alt.Y("n:Q"),
                tooltip=[alt.Tooltip("low:Q", title="from (1/255)"), alt.Tooltip("n:Q", title="selected images")],
            )
        )  # fmt: skip
    if span:
        band = alt.Chart(pd.DataFrame({"from": [span[0]], "to": [span[1]]}))
        layers.insert(0, band.mark_rect(color=ORANGE, opacity=0.12).encode(alt.X("from:Q"), alt.X2("to:Q")))
    return alt.layer(*layers)


def of_class(counts: pd.DataFrame, levels: Sequence[float], defense: str, ends: tuple[float, float]) -> alt.LayerChart:
    """A small histogram of one class; counts: bin, percent (of the class), n; ends: of both axes (1/255, %)."""
    rows = counts.assign(low=counts["bin"].astype(float), high=counts["bin"] + 1.0)
    x = alt.X("low:Q", title="margin (1/255)", bin="binned", scale=alt.Scale(domain=[0, ends[0]], nice=False))
    bars = (
        alt.Chart(rows, height=180)
        .mark_bar(color=charts.colour(defense), binSpacing=0.3)
        .encode(
            x, alt.X2("high:Q"),
            alt.Y("percent:Q", title="share (%)", scale=alt.Scale(domain=[0, ends[1]])),
            tooltip=[alt.Tooltip("low:Q", title="from (1/255)"), alt.Tooltip("n:Q", title="images"),
                     alt.Tooltip("percent:Q", format=".1f", title="of the class (%)")],
        )
    )  # fmt: skip
    rules = pd.DataFrame({"at": [255 * eps for eps in levels if 255 * eps <= ends[0]]})
    rule = alt.Chart(rules).mark_rule(strokeDash=[3, 3], color=GRAY, opacity=0.7).encode(alt.X("at:Q"))
    return alt.layer(bars, rule)


def density(rows: pd.DataFrame, ends: tuple[float, float, float]) -> alt.Chart:
    """How one class's margins are spread, epoch by epoch.

    rows: epoch, every, low, width (1/255), density (share of the class for each 1/255); ends: of the epochs, the
    margins (1/255) and the colours (% for each 1/255).
    """
    rows = rows.assign(
        high=rows["low"] + rows["width"], start=rows["epoch"] - rows["every"], percent=100 * rows["density"]
    )
    return (
        alt.Chart(rows, height=190)
        .mark_rect(color=TEAL)
        .encode(
            alt.X("start:Q", title="epoch", scale=alt.Scale(domain=[0, ends[0]], nice=False),
                  axis=alt.Axis(format="d", tickMinStep=1)),
            alt.X2("epoch:Q"),
            alt.Y("low:Q", title="margin (1/255)", scale=alt.Scale(domain=[0, ends[1]], nice=False)),
            alt.Y2("high:Q"),
            alt.Opacity("percent:Q", legend=None, scale=alt.Scale(type="sqrt", domain=[0, ends[2]], range=[0.04, 1])),
            tooltip=["epoch:Q", alt.Tooltip("low:Q", title="from (1/255)"),
                     alt.Tooltip("percent:Q", format=".2f", title="% of the class for each 1/255")],
        )
    )  # fmt: skip


def flow(cells: pd.DataFrame, before: str, after: str) -> alt.LayerChart:
    """Where margins were and where they are: cells with x, y (1/255, lower ends), width, n; titles of the axes."""
    rows = cells.assign(x2=cells["x"] + cells["width"], y2=cells["y"] + cells["width"])
    top = float(rows[["x2", "y2"]].to_numpy().max())
    scale = alt.Scale(domain=[0, top], nice=False)
    heat = (
        alt.Chart(rows, height=360)
        .mark_rect(color=TEAL)
        .encode(
            alt.X("x:Q", title=f"{before} (1/255)", scale=scale), alt.X2("x2:Q"),
            alt.Y("y:Q", title=f"{after} (1/255)", scale=scale), alt.Y2("y2:Q"),
            # Opacity instead of a scheme: few images are near the background, whether that is light or dark.
            alt.Opacity("n:Q", title="images", scale=alt.Scale(type="log", range=[0.15, 1]),
                        legend=alt.Legend(orient="top", tickCount=4, format="~s")),
            tooltip=[alt.Tooltip("x:Q", title="before, from (1/255)"), alt.Tooltip("y:Q", title="after, from (1/255)"),
                     alt.Tooltip("n:Q", title="images")],
        )
    )  # fmt: skip
    line = alt.Chart(pd.DataFrame({"x": [0.0, top], "y": [0.0, top]})).mark_line(
        color=GRAY, strokeDash=[4, 3], strokeWidth=1.5
    )
    return alt.layer(heat, line.encode(alt.X("x:Q"), alt.Y("y:Q")))


def changes(rows: pd.DataFrame, order: Sequence[str]) -> alt.LayerChart:
    """How each class's margins have changed: rows class, q25, q50, q75 (1/255)."""
    y = alt.Y("class:N", sort=list(order), title=None, axis=alt.Axis(labelOverlap=False))
    base = alt.Chart(rows, height=max(120, 26 * len(rows))).encode(y)
    quartiles = (("q25", "a quarter below"), ("q50", "median"), ("q75", "a quarter above"))
    tip = ["class:N", *(alt.Tooltip(f"{q}:Q", format="+.2f", title=title) for q, title in quartiles)]
    zero = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=GRAY, strokeDash=[3, 3]).encode(alt.X("at:Q"))
    half = base.mark_bar(height=7, opacity=0.45, color=TEAL, cornerRadius=3).encode(
        alt.X("q25:Q", title="change of the margin (1/255)"), alt.X2("q75:Q"), tooltip=tip
    )
    return alt.layer(zero, half, base.mark_point(filled=True, size=60, color=TEAL, opacity=1).encode(
        alt.X("q50:Q"), tooltip=tip))  # fmt: skip


def class_colours(order: Sequence[str]) -> alt.Scale:
    """A colour for each of up to ten classes, the same in every chart; more repeat."""
    palette = charts.PALETTE
    return alt.Scale(domain=list(order), range=[palette[k % len(palette)] for k in range(len(order))])


def pressure(rows: pd.DataFrame, order: Sequence[str]) -> alt.Chart:
    """Each class's share of the noisy images at the boundary, epoch by epoch: rows class, epoch, relative."""
    last = int(rows["epoch"].max())
    even = alt.Chart(pd.DataFrame({"at": [1.0]})).mark_rule(color=GRAY, strokeDash=[3, 3]).encode(alt.Y("at:Q"))
    lines = (
        alt.Chart(rows, height=charts.HEIGHT)
        .mark_line(strokeWidth=1.8, point=bool(last < 2))
        .encode(
            alt.X("epoch:Q", title="epoch", scale=alt.Scale(domain=[0, max(last, 2)], nice=False),
                  axis=alt.Axis(format="d")),
            alt.Y("relative:Q", title="pressure (1 = mean)"),
            alt.Color("class:N", sort=list(order), title=None, scale=class_colours(order),
                      legend=alt.Legend(orient="right", symbolLimit=20)),
            tooltip=["class:N", "epoch:Q", alt.Tooltip("relative:Q", format=".2f", title="times the mean"),
                     alt.Tooltip("at_boundary:Q", title="images at the boundary")],
        )
    )  # fmt: skip
    return alt.layer(even, lines)


def forces(rows: pd.DataFrame, order: Sequence[str]) -> alt.LayerChart:
    """Pressure in one epoch against the change of the mean margin in the next: rows relative, change, class, epoch."""
    points = (
        alt.Chart(rows, height=charts.HEIGHT)
        .mark_circle(size=36, opacity=0.55)
        .encode(
            alt.X("relative:Q", title="pressure in an epoch (1 = mean)"),
            alt.Y("change:Q", title="margin gained in the next (1/255)"),
            alt.Color("class:N", sort=list(order), scale=class_colours(order), legend=None),
            tooltip=["class:N", "epoch:Q", alt.Tooltip("relative:Q", format=".2f", title="times the mean"),
                     alt.Tooltip("change:Q", format="+.2f", title="change (1/255)")],
        )
    )  # fmt: skip
    slope, intercept = np.polyfit(rows["relative"], rows["change"], 1) if rows["relative"].nunique() > 1 else (0.0, 0.0)
    ends = pd.DataFrame({"relative": [rows["relative"].min(), rows["relative"].max()]})
    ends["change"] = intercept + slope * ends["relative"]
    line = alt.Chart(ends).mark_line(color=GRAY, strokeWidth=2).encode(alt.X("relative:Q"), alt.Y("change:Q"))
    return alt.layer(points, line)
