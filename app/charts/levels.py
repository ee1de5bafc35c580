"""Accuracy against the noise level."""

import altair as alt
import pandas as pd

from . import style


def robustness(rows: pd.DataFrame, legend: alt.Legend | None = None) -> alt.LayerChart:
    """Accuracy against the noise level; rows: columns run, defense, norm, eps, n, percent, low,
    high (%)."""
    runs = list(dict.fromkeys(rows["run"]))
    colours = style.run_colours(rows.drop_duplicates("run")[["run", "defense"]])
    linf = "norm" not in rows or set(rows["norm"]) <= {"Linf"}
    rows = rows.assign(level=(255 if linf else 1) * rows["eps"])
    title = f"noise level ({'1/255' if linf else 'L2'})"
    shades = alt.Scale(domain=runs, range=colours)
    base = alt.Chart(rows, height=320).encode(
        alt.X("level:Q", title=title),
        alt.Color(
            "run:N", title=None, sort=runs, scale=shades, legend=legend or style.legend(runs)
        ),
    )
    scale = style.accuracies([*rows["low"], *rows["percent"], *rows["high"]])
    y = alt.Y("percent:Q", title=style.ACCURACY, scale=scale)
    tip = [
        "run:N",
        alt.Tooltip("level:Q", title=title),
        alt.Tooltip("percent:Q", format=".2f", title=style.ACCURACY),
        alt.Tooltip("low:Q", format=".2f", title="95 % from"),
        alt.Tooltip("high:Q", format=".2f", title="95 % to"),
        alt.Tooltip("n:Q", format=",", title="test images"),
    ]
    band = base.mark_area(opacity=0.15).encode(
        alt.Y("low:Q", title=style.ACCURACY, scale=scale), alt.Y2("high:Q")
    )
    return alt.layer(band, base.mark_line(point=True, strokeWidth=2).encode(y, tooltip=tip))
