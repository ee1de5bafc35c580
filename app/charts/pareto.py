"""Clean against robust accuracy, a point a defense.

What is above and to the right is better in both.
"""

from functools import partial

import altair as alt
import pandas as pd

from . import style


def pareto(points: pd.DataFrame, level: str) -> alt.LayerChart:
    """points: export.pareto_points; level: how the noise level is written.

    Lines through a point are its 95 % intervals for n images; small points are the trainings that
    it is the mean of. A point that another beats (export.pareto_points) is hollow.
    """
    kinds = list(dict.fromkeys(points["defense"]))
    scale = alt.Scale(domain=kinds, range=[style.colour(kind) for kind in kinds])
    colour = alt.Color("defense:N", legend=None, scale=scale)
    clean = partial(alt.X, title="clean accuracy (%)", scale=_scale(points, "clean"))
    robust = partial(alt.Y, title=f"accuracy at {level} (%)", scale=_scale(points, "robust"))
    x, y = clean("clean:Q"), robust("robust:Q")
    rows = points.drop(columns=["clean_each", "robust_each"])
    base = alt.Chart(rows, height=420).encode(color=colour)
    point = partial(base.mark_point, size=90, opacity=1)
    best = point(filled=True).transform_filter("!datum.beaten")
    name = base.mark_text(align="left", baseline="bottom", dx=8, dy=-5, fontSize=12)
    beaten = point(filled=False, strokeWidth=2).transform_filter("datum.beaten")
    return alt.layer(
        _trainings(points, level).encode(x, y, color=colour),
        base.mark_rule(strokeWidth=1.5).encode(clean("clean_low:Q"), y, x2="clean_high:Q"),
        base.mark_rule(strokeWidth=1.5).encode(x, robust("robust_low:Q"), y2="robust_high:Q"),
        best.encode(x, y, tooltip=_tip(level)),
        beaten.encode(x, y, tooltip=_tip(level)),
        name.encode(x, y, text="title:N"),
    )


def _trainings(points: pd.DataFrame, level: str) -> alt.Chart:
    """A small point for each training of a defense that has several."""
    several = points[points["trainings"] > 1].explode(["clean_each", "robust_each"])
    each = several.assign(
        clean=several["clean_each"].astype(float), robust=several["robust_each"].astype(float)
    )
    tip = [
        "title:N",
        alt.Tooltip("clean:Q", format=".2f", title="one training: clean (%)"),
        alt.Tooltip("robust:Q", format=".2f", title=f"one training: at {level} (%)"),
    ]
    chart = alt.Chart(each[["title", "defense", "clean", "robust"]])
    return chart.mark_point(filled=True, size=22, opacity=0.55).encode(tooltip=tip)


def _scale(points: pd.DataFrame, side: str) -> alt.Scale:
    """An axis over all intervals and trainings, to the next 5 points: never so near that noise
    looks like order."""
    each = [value for values in points[f"{side}_each"] for value in values]
    low = min(points[f"{side}_low"].min(), points[side].min(), *each)
    high = max(points[f"{side}_high"].max(), points[side].max(), *each)
    return style.accuracies([low, high])


def _tip(level: str) -> list[alt.Tooltip]:
    figures = {
        "clean": "clean (%)",
        "clean_low": "clean, 95 % from",
        "clean_high": "clean, 95 % to",
        "robust": f"at {level} (%)",
        "robust_low": f"at {level}, 95 % from",
        "robust_high": f"at {level}, 95 % to",
        "clean_training_spread": "clean, spread over trainings",
        "robust_training_spread": f"at {level}, spread over trainings",
        "robust_spread": f"at {level}, spread over attack seeds",
    }
    return [
        alt.Tooltip("title:N", title="defense"),
        alt.Tooltip("n:Q", title="test images"),
        alt.Tooltip("trainings:Q", title="trainings"),
        alt.Tooltip("seeds:Q", title="attack seeds"),
        *(alt.Tooltip(f"{name}:Q", format=".2f", title=title) for name, title in figures.items()),
    ]
