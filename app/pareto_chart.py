"""Clean against robust accuracy, a point a defense: what is above and to the right is better in both."""

import altair as alt
import charts
import pandas as pd


def pareto(points: pd.DataFrame, level: str) -> alt.LayerChart:
    """points: export.pareto_points; level: how the noise level is written. Lines through points are one spread long."""
    rows = points.assign(
        clean_low=points["clean"] - points["clean_spread"], clean_high=points["clean"] + points["clean_spread"],
        robust_low=points["robust"] - points["robust_spread"], robust_high=points["robust"] + points["robust_spread"],
    )  # fmt: skip
    kinds = list(dict.fromkeys(rows["defense"]))
    colour = alt.Color(
        "defense:N", legend=None, scale=alt.Scale(domain=kinds, range=[charts.colour(kind) for kind in kinds])
    )
    x = alt.X("clean:Q", title="clean accuracy (%)", scale=alt.Scale(zero=False, padding=30))
    y = alt.Y("robust:Q", title=f"accuracy at {level} (%)", scale=alt.Scale(zero=False, padding=30))
    base = alt.Chart(rows, height=420).encode(color=colour)
    tip = [
        alt.Tooltip("title:N", title="defense"), alt.Tooltip("runs:Q", title="runs"),
        alt.Tooltip("clean:Q", format=".2f", title="clean (%)"),
        alt.Tooltip("robust:Q", format=".2f", title=f"at {level} (%)"),
    ]  # fmt: skip
    front = alt.Chart(rows[rows["best"]]).mark_line(color="#8a9091", strokeDash=[4, 3], strokeWidth=1).encode(x, y)
    return alt.layer(
        front,
        base.mark_rule().encode(x=alt.X("clean_low:Q", title="clean accuracy (%)"), x2="clean_high:Q", y=y),
        base.mark_rule().encode(x=x, y=alt.Y("robust_low:Q", title=f"accuracy at {level} (%)"), y2="robust_high:Q"),
        base.mark_point(filled=True, size=90, opacity=1).encode(x, y, tooltip=tip),
        base.mark_text(align="left", dx=8, dy=-6, fontSize=12).encode(x, y, text="title:N"),
    )
