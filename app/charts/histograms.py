"""Histograms of margins: the paper's Figs. 5 to 7, and L2 margins as lengths."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from smd.core.kinds import CERTIFIED, EVERY, FOUND, MISCLASSIFIED, REACHED

from . import rules, style


def histogram(
    counts: pd.DataFrame, levels: Sequence[float], images: str = "training images"
) -> alt.LayerChart:
    """Margins of images in bins of 1/255 (the paper's Figs. 5 to 7).

    Found, reached and misclassified apart.

    counts: columns run, defense, kind, bin, n, percent; several runs are drawn over each other as
    shares, as they need not have the same number of images. Misclassified images have no margin:
    their bar stands left of 0.
    """
    correct = counts[counts["kind"] != MISCLASSIFIED]
    top = max(float(correct["bin"].max()) + 1 if len(correct) else 0.0, 255 * max(levels) + 1)
    rows, left = placed(counts, top)
    runs = list(dict.fromkeys(rows["run"]))
    scale = alt.Scale(domain=[left, top], nice=False)
    bars = (
        alt.Chart(rows, height=340)
        .mark_bar(binSpacing=0.5)
        .encode(
            alt.X("low:Q", title=style.MARGIN, bin="binned", scale=scale, axis=style.NOT_NEGATIVE),
            alt.X2("high:Q"),
            *(_of_one(rows, images) if len(runs) == 1 else _of_several(rows, runs, images)),
            tooltip=[
                "run:N",
                "kind:N",
                alt.Tooltip("low:Q", title="from (1/255)"),
                alt.Tooltip("high:Q", title="to (1/255)"),
                alt.Tooltip("n:Q", title="images"),
                alt.Tooltip("percent:Q", format=".1f", title="of these images (%)"),
            ],
        )
    )
    return alt.layer(bars, rules.at_levels([e for e in levels if 255 * e <= top], top))


def _of_one(rows: pd.DataFrame, images: str) -> tuple[object, ...]:
    return alt.Y("n:Q", title=images), style.kind_colour(rows), alt.Order("order:Q")


def _of_several(rows: pd.DataFrame, runs: list[str], images: str) -> tuple[object, ...]:
    """Colours are runs; what was only reached is paler."""
    colours = style.run_colours(rows.drop_duplicates("run")[["run", "defense"]])
    present = [kind for kind in EVERY if kind in set(rows["kind"])]
    strong = {FOUND: 0.75, CERTIFIED: 0.75, REACHED: 0.35, MISCLASSIFIED: 0.75}
    return (
        alt.Y("percent:Q", title=f"{images} (%)", stack=None),
        alt.Color(
            "run:N",
            title=None,
            sort=runs,
            legend=style.legend(runs, "bottom"),
            scale=alt.Scale(domain=runs, range=colours),
        ),
        alt.Opacity(
            "kind:N",
            title=None,
            legend=None,
            scale=alt.Scale(domain=present, range=[strong[kind] for kind in present]),
        ),
    )


def lengths(rows: pd.DataFrame, images: str) -> alt.Chart:
    """Margins in L2, as lengths, by kind; rows: margin, kind. Misclassified images have none and
    are left out."""
    known = rows.loc[rows["kind"] != MISCLASSIFIED, ["margin", "kind"]]
    return (
        alt.Chart(known, height=340)
        .mark_bar()
        .encode(
            alt.X("margin:Q", title=style.margin("L2"), bin=alt.Bin(maxbins=40)),
            alt.Y("count():Q", title=images),
            style.kind_colour(rows[rows["kind"] != MISCLASSIFIED]),
            tooltip=[
                alt.Tooltip("margin:Q", bin=alt.Bin(maxbins=40), title="from (L2)"),
                "kind:N",
                alt.Tooltip("count():Q", title="images"),
            ],
        )
    )


def placed(counts: pd.DataFrame, top: float) -> tuple[pd.DataFrame, float]:
    """Where bars stand on an axis up to `top`, with columns low, high (1/255) and order.

    And where the axis begins.

    counts: kind, bin and more. The bar of misclassified images is as wide as can be seen, a gap
    left of 0.
    """
    wrong = counts["kind"] == MISCLASSIFIED
    wide = max(1.0, top / 25)
    low = counts["bin"].astype(float).mask(wrong, -1.5 * wide)
    high = (counts["bin"] + 1.0).mask(wrong, -0.5 * wide)
    left = -2 * wide if wrong.any() else 0.0
    return counts.assign(low=low, high=high, order=counts["kind"].map(EVERY.index)), left
