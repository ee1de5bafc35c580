"""Charts of margins against attacks and of attacks against each other; pure functions."""

import altair as alt
import pandas as pd

from smd import registry
from smd.analysis.agreement import MISCLASSIFIED, NAMED, WITHSTOOD
from smd.units import level_title, show_level

from . import style
from .style import GRAY, HEIGHT

OTHER = "#d98f5a"  # a stage that the registry does not know
VERDICTS = {True: "robust", False: "fooled"}
ROBUST = "robust (%)"
ONE_A_LINE = alt.Legend(orient="bottom", title=None, columns=1, labelLimit=0)
IMAGES = (
    alt.Tooltip("n:Q", title="images"),
    alt.Tooltip("percent:Q", format=".2f", title="images (%)"),
)
KINDS = {"agreement": "#1a8a94", "overestimated": "#c8641f", "underestimated": "#6c7bb0"}


def crosstab(table: pd.DataFrame, eps: float, norm: str = "Linf") -> alt.LayerChart:
    """The four cells of smd.analysis.agreement.Crosstab.table, coloured by what they mean."""
    level = level_title(eps, norm)
    beyond, within = f"margin > {level}", f"margin ≤ {level}"
    rows = table.assign(
        margin=table["beyond"].map({True: beyond, False: within}),
        attack=table["withstood"].map(VERDICTS),
        kind=table["kind"].map(NAMED),
        text=_counts(table),
    )
    verdicts, upright = list(VERDICTS.values()), alt.Axis(labelAngle=0)
    base = alt.Chart(rows, height=HEIGHT).encode(
        alt.X("attack:N", title="under the attack", sort=verdicts, axis=upright),
        alt.Y("margin:N", title=None, sort=[beyond, within], axis=alt.Axis(labelLimit=0)),
    )
    scale = alt.Scale(domain=[NAMED[kind] for kind in KINDS], range=list(KINDS.values()))
    cells = base.mark_rect(cornerRadius=3).encode(
        alt.Color("kind:N", title=None, legend=ONE_A_LINE, scale=scale),
        tooltip=["margin:N", "attack:N", "kind:N", *IMAGES],
    )
    text = base.mark_text(fontSize=15, fontWeight="bold", color="white").encode(alt.Text("text:N"))
    return alt.layer(cells, text)


def _counts(rows: pd.DataFrame) -> list[str]:
    """How many images, and what share: "12 · 4.0 %"."""
    pairs = zip(rows["n"], rows["percent"], strict=True)
    return [f"{n:,} · {percent:.1f} %" for n, percent in pairs]


def calibration(rows: pd.DataFrame, eps: float, norm: str = "Linf") -> alt.LayerChart:
    """Share of robust images by margin with its 95 % interval, and the step at eps that an ideal
    margin makes.

    rows: smd.analysis.agreement.calibration, in 1/255; of L2 its low and high times its unit, as
    lengths.
    """
    at, unit = (255 * eps, "1/255") if norm == "Linf" else (eps, norm)
    rows = rows.assign(middle=(rows["low"] + rows["high"]) / 2)
    top = max(float(rows["high"].max()), at * 1.1 if norm != "Linf" else at + 1)
    x = alt.X("middle:Q", title=f"margin ({unit})", scale=alt.Scale(domain=[0, top], nice=False))
    base = alt.Chart(rows, height=HEIGHT).encode(x)
    share = alt.Y("percent:Q", title=ROBUST, scale=alt.Scale(domain=[0, 100]))
    tip = [
        alt.Tooltip("low:Q", title=f"margin from ({unit})"),
        alt.Tooltip("high:Q", title=f"to ({unit})"),
        alt.Tooltip("n:Q", title="images"),
        alt.Tooltip("percent:Q", format=".1f", title=ROBUST),
        alt.Tooltip("lo:Q", format=".1f", title="95 % from"),
        alt.Tooltip("hi:Q", format=".1f", title="to"),
    ]
    colour = KINDS["agreement"]
    interval = alt.Y("lo:Q", title=ROBUST), alt.Y2("hi:Q")
    return alt.layer(
        _ideal(at, top),
        base.mark_line(strokeWidth=1.5, color=colour, opacity=0.6).encode(share),
        base.mark_rule(strokeWidth=1.5, color=colour).encode(*interval),
        base.mark_point(filled=True, size=60, opacity=1, color=colour).encode(share, tooltip=tip),
        _level(at, show_level(eps, norm)),
    )


def _level(at: float, text: str) -> alt.LayerChart:
    """A vertical rule at the noise level, with its name; as rules.at_levels, on an axis in any
    unit."""
    base = alt.Chart(pd.DataFrame({"at": [at], "text": [text]})).encode(alt.X("at:Q"))
    name = base.mark_text(align="center", baseline="bottom", dy=-4, fontSize=11, color=GRAY)
    rule = base.mark_rule(strokeDash=[3, 3], opacity=0.7, color=GRAY)
    return alt.layer(rule, name.encode(alt.Y(value=0), alt.Text("text:N")))


def _ideal(at: float, top: float) -> alt.Chart:
    """No image with a margin up to the level is robust, every other one is."""
    corners = pd.DataFrame(
        {"middle": [0.0, at, at, top], "percent": [0, 0, 100, 100], "order": range(4)}
    )
    line = alt.Chart(corners).mark_line(strokeWidth=1.5, strokeDash=[2, 2], color=GRAY)
    return line.encode(alt.X("middle:Q"), alt.Y("percent:Q"), alt.Order("order:Q"))


def patterns(counts: pd.DataFrame) -> alt.LayerChart:
    """How many images have each pattern; the darker, the stronger the attack it takes.

    counts: columns pattern, n, percent. Images that no attack fools and have colours of
    their own.
    """
    names = list(counts["pattern"])
    rows = counts.assign(text=_counts(counts))
    top = 1.25 * float(rows["n"].max())
    base = alt.Chart(rows, height=36 * len(names) + 40).encode(
        alt.Y("pattern:N", title=None, sort=names, axis=alt.Axis(**style.every_name(names))),
        alt.X(
            "n:Q",
            title="images",
            axis=alt.Axis(tickMinStep=1, format="d"),
            scale=alt.Scale(domain=[0, top], nice=False),
        ),
        tooltip=["pattern:N", *IMAGES],
    )
    colours = alt.Scale(domain=names, range=[_shade(name) for name in names])
    bars = base.mark_bar(cornerRadiusEnd=2).encode(
        alt.Color("pattern:N", legend=None, scale=colours)
    )
    text = base.mark_text(align="left", dx=5, color=GRAY).encode(alt.Text("text:N"))
    return alt.layer(bars, text)


def _shade(pattern: str) -> str:
    """A pattern's colour, the same for every run."""
    shades = {stage.pattern: stage.colour for stage in registry.stages()}
    ends = {MISCLASSIFIED: GRAY, WITHSTOOD: KINDS["agreement"]}
    return (shades | ends).get(pattern, OTHER)
