"""Margins over the epochs: of all images, as quantiles, and of a single one."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from smd.units import UNIT, factor, show_level

from . import rules, style

LINE, WIDE = 0.06, 44  # how much of the axis a label takes across it, and its width in pixels
FORMAT = {"Linf": ".1f", "L2": ".3f"}  # of a margin as it is shown
FLAGS = {"expanded": "#1a8a94", "shrunk": "#c8641f", "kept": style.GRAY, "misclassified": "#9c5a96"}


def fan(
    summary: pd.DataFrame,
    levels: Sequence[float],
    defense: str = "smd",
    schedule: pd.DataFrame | None = None,
    norm: str = "Linf",
) -> alt.LayerChart:
    """Margin quantiles over the epochs: 5-95 %, 25-75 %, the median.

    schedule: epoch, margin (1/255; in L2 a length) that the schedule alone would reach, drawn as a
    dashed line.
    """
    rows = summary.copy()
    for name in ("q05", "q25", "q50", "q75", "q95"):
        rows[name] = factor(norm) * rows[name]
    base = alt.Chart(rows, height=style.HEIGHT).encode(style.epochs(int(rows["epoch"].max())))
    tip = [
        "epoch:Q",
        *(alt.Tooltip(f"{q}:Q", format=FORMAT[norm]) for q in ("q05", "q25", "q50", "q75", "q95")),
    ]
    y = alt.Y("q05:Q", title=style.margin(norm))
    main = style.colour(defense)
    alone = [] if schedule is None else [_alone(schedule, int(rows["epoch"].max()), norm)]
    return alt.layer(
        base.mark_area(opacity=0.18, color=main).encode(y, alt.Y2("q95:Q"), tooltip=tip),
        base.mark_area(opacity=0.32, color=main).encode(
            y=alt.Y("q25:Q"), y2=alt.Y2("q75:Q"), tooltip=tip
        ),
        base.mark_line(strokeWidth=2.5, color=main, point=style.alone(rows)).encode(
            y=alt.Y("q50:Q"), tooltip=tip
        ),
        _levels_across(levels, float(rows["q95"].max()), norm),
        *alone,
    )


def _alone(schedule: pd.DataFrame, last: int, norm: str) -> alt.LayerChart:
    """The growth that nothing in the network has slowed, named where it ends."""
    rows = schedule[schedule["epoch"] <= last]
    base = alt.Chart(rows).encode(alt.X("epoch:Q"), alt.Y("margin:Q"))
    title = f"schedule alone ({UNIT[norm]})"
    tip = ["epoch:Q", alt.Tooltip("margin:Q", format=FORMAT[norm], title=title)]
    line = base.mark_line(strokeDash=[5, 4], strokeWidth=1.8, color=style.COLOURS["std"]).encode(
        tooltip=tip
    )
    text = alt.Chart(rows.tail(1)).mark_text(
        align="right", baseline="bottom", dy=-6, color=style.COLOURS["std"], fontSize=12
    )
    words = text.encode(alt.X("epoch:Q"), alt.Y("margin:Q"), alt.TextValue("the schedule alone"))
    return alt.layer(line, words)


def _levels_across(levels: Sequence[float], top: float, norm: str) -> alt.LayerChart:
    """Rules at the noise levels that the axis reaches, each with its label at the right end."""
    shown = [eps for eps in levels if factor(norm) * eps <= 1.1 * top]
    at = [factor(norm) * eps for eps in shown]
    texts = [show_level(eps, norm) for eps in shown]
    rows = pd.DataFrame({"at": at, "text": texts}, dtype=object)
    base = alt.Chart(rows).encode(alt.Y("at:Q"))
    rule = base.mark_rule(strokeDash=[3, 3], opacity=0.6, color=style.GRAY)
    parts = [
        base.transform_filter(alt.FieldEqualPredicate(field="text", equal=text))
        .mark_text(align="right", baseline="bottom", dx=-4 - WIDE * row, fontSize=11)
        .encode(x=alt.value("width"), text="text:N", color=alt.value(style.GRAY))
        for text, row in zip(rows["text"], rules.rows(at, LINE * top), strict=True)
    ]
    return alt.layer(rule, *parts)


def of_sample(rows: pd.DataFrame, norm: str = "Linf") -> alt.LayerChart:
    """One sample's margin over the epochs, each point coloured by what happened there.

    Where the image is misclassified the point is the margin that SMD keeps for later, and says
    nothing.
    """
    rows, title = rows.assign(shown=factor(norm) * rows["margin"]), style.margin(norm)
    least = 1.0 if norm == "Linf" else 0.1
    scale = alt.Scale(domain=[0, max(least, float(rows["shown"].max()))])
    base = alt.Chart(rows, height=220).encode(
        style.epochs(int(rows["epoch"].max())), alt.Y("shown:Q", title=title, scale=scale)
    )
    domain = [flag for flag in FLAGS if flag in set(rows["change"])]
    points = base.mark_point(filled=True, size=55, opacity=1).encode(
        alt.Color(
            "change:N",
            title=None,
            legend=style.ON_TOP,
            scale=alt.Scale(domain=domain, range=[FLAGS[f] for f in domain]),
        ),
        tooltip=[
            "epoch:Q",
            alt.Tooltip("shown:Q", format=".3~g", title=title),
            "kind:N",
            "change:N",
        ],
    )
    return alt.layer(base.mark_line(color=style.GRAY, strokeWidth=1.5), points)
