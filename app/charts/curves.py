"""Curves over a training: accuracy, losses and all else that is measured every epoch.

Pure functions.

Smoothing never hides what was measured: the raw curve stays behind, faintly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import altair as alt
import pandas as pd

from smd import export

from . import style

# the first of which more than two have passed
UNITS = (("hours", 1), ("minutes", 60), ("seconds", 3600))
RAW = 0.25  # opacity of what was measured, behind a smoothed curve
IMAGES = ["validation", "training"]
SURE = alt.Tooltip("sure:N", title="95 % interval")


@dataclass(frozen=True)
class Look:
    """How curves are drawn."""

    smooth: float = 0.0  # weight of what came before in the moving average, [0, 1); 0: as measured
    time: bool = False  # over the time it took instead of epochs


PLAIN = Look()
Sizes = Mapping[tuple[str, bool], int]  # (split, whether under attack) -> images; 0: not known


@lru_cache(maxsize=20_000)
def sure(share: float, n: int) -> str:
    """The 95 % interval of a share of n images in %, and n."""
    return f"{export.interval(share, n)}, n = {n:,}" if n else export.EMPTY


def with_sizes(rows: pd.DataFrame, n: Sizes | None) -> pd.DataFrame:
    """Accuracies (split, eps, value in [0, 1]) with how sure each is in the column `sure`; without
    it where n is not told."""
    if n is None:
        return rows
    of = [n.get((split, eps > 0), 0) for split, eps in zip(rows["split"], rows["eps"], strict=True)]
    return rows.assign(sure=[sure(v, k) for v, k in zip(rows["value"], of, strict=True)])


def accuracy(
    metrics: pd.DataFrame, look: Look = PLAIN, norm: str = "Linf", n: Sizes | None = None
) -> alt.LayerChart:
    """Clean and robust accuracy over the epochs: the paper's Fig. 8. Training dashed, validation
    solid. n: how many images they are of, for the tooltip."""
    rows = with_sizes(metrics[metrics["name"] == "accuracy"].copy(), n)
    rows["noise level"] = [style.level_name(eps, norm) for eps in rows["eps"]]
    rows["shown"] = 100 * rows["value"]
    order = [style.level_name(e, norm) for e in sorted(rows["eps"].unique())]
    rows["images"] = rows["split"].map({"train": "training", "val": "validation"})
    rows, x = placed(rows, hours(metrics), look)
    base = alt.Chart(rows, height=style.HEIGHT).encode(
        x,
        alt.Color(
            "noise level:N",
            sort=order,
            scale=alt.Scale(domain=order, range=list(style.LEVELS)),
            title="noise level",
            legend=style.legend(order),
        ),
        alt.StrokeDash(
            "images:N",
            title="images",
            scale=alt.Scale(domain=IMAGES, range=[[1, 0], [4, 3]]),
            legend=style.legend(IMAGES, "bottom"),
        ),
    )
    scale = style.accuracies(rows["shown"])
    return drawn(
        base, rows, ["noise level", "images"], style.ACCURACY, look, scale, alt.Axis(), ".2f"
    )


def training(
    metrics: pd.DataFrame,
    names: dict[str, str],
    title: str,
    factor: float = 1.0,
    log: bool = False,
    look: Look = PLAIN,
) -> alt.LayerChart:
    """Training metrics over the epochs, `names` maps a metric to its legend entry."""
    rows = metrics[(metrics["split"] == "train") & metrics["name"].isin(list(names))].copy()
    rows["series"] = rows["name"].map(names)
    rows["shown"] = factor * rows["value"]
    logarithmic = log and bool((rows["shown"] > 0).all())
    scale = alt.Scale(type="log" if logarithmic else "linear", zero=not log)
    axis = alt.Axis(tickCount=4, format="~g") if logarithmic else alt.Axis()
    legend = style.legend(list(names.values())) if len(names) > 1 else None
    rows, x = placed(rows, hours(metrics), look)
    colours = alt.Scale(range=list(style.PALETTE))
    base = alt.Chart(rows, height=style.HEIGHT).encode(
        x, alt.Color("series:N", legend=legend, sort=list(names.values()), scale=colours)
    )
    return drawn(base, rows, ["series"], title, look, scale, axis, ".4~g")


def drawn(
    base: alt.Chart,
    rows: pd.DataFrame,  # with epoch, shown and the columns in `by`
    by: Sequence[str],  # what tells one curve from the next
    title: str,
    look: Look,
    scale: alt.Scale,
    axis: alt.Axis,
    form: str,
) -> alt.LayerChart:
    """The curves; smoothed ones with what was measured behind."""
    # a single epoch is a point: a line of it would be invisible
    alone = bool(rows["epoch"].nunique() < 2)
    tip = [
        "epoch:Q",
        *(f"{name}:N" for name in by),
        alt.Tooltip("shown:Q", format=form, title=title),
        *([SURE] if "sure" in rows else []),
    ]
    y = alt.Y("shown:Q", title=title, scale=scale, axis=axis)
    if not look.smooth:
        return alt.layer(base.mark_line(strokeWidth=2, point=alone).encode(y, tooltip=tip))
    smooth = smoothed(rows, by, look.smooth)
    tip.append(alt.Tooltip("smoothed:Q", format=form, title="smoothed"))
    above = base.properties(data=smooth).mark_line(strokeWidth=2, point=alone)
    return alt.layer(
        base.mark_line(strokeWidth=1.2, opacity=RAW).encode(y),
        above.encode(alt.Y("smoothed:Q", title=title, scale=scale, axis=axis), tooltip=tip),
    )


def smoothed(rows: pd.DataFrame, by: Sequence[str], weight: float) -> pd.DataFrame:
    """With the column smoothed: each curve's exponential moving average, unbiased from its first
    epoch on."""
    rows = rows.sort_values("epoch")
    average = rows.groupby(list(by), sort=False)["shown"].transform(
        lambda part: part.ewm(alpha=1 - weight).mean()
    )
    return rows.assign(smoothed=average)


def hours(metrics: pd.DataFrame) -> "pd.Series[float]":
    """How long the training had taken after each epoch, in hours: by epoch."""
    seconds = metrics[(metrics["split"] == "train") & (metrics["name"] == "seconds")].set_index(
        "epoch"
    )["value"]
    return seconds.sort_index().cumsum() / 3600


def placed(
    rows: pd.DataFrame, spent: "pd.Series[float] | None", look: Look
) -> tuple[pd.DataFrame, alt.X]:
    """Rows with their place on the x axis, and that axis; spent: see `hours`, None if the rows have
    it already."""
    if not look.time:
        domain = [0, max(int(rows["epoch"].max()), 2)]
        scale = alt.Scale(domain=domain, nice=False)
        return rows, alt.X("epoch:Q", title="epoch", scale=scale, axis=alt.Axis(format="d"))
    taken = rows["hours"] if spent is None else rows["epoch"].map(spent)
    unit, factor = next(
        (unit, factor) for unit, factor in UNITS if factor * taken.max() > 2 or unit == UNITS[-1][0]
    )
    rows = rows.assign(spent=factor * taken).dropna(subset="spent")
    return rows, alt.X("spent:Q", title=f"{unit} of training")


def said(metrics: pd.DataFrame, norm: str = "Linf") -> str:
    """The finding of the accuracy curves in a sentence."""
    rows = metrics[(metrics["name"] == "accuracy") & (metrics["split"] == "val")]
    if rows.empty:
        return "No accuracy was measured yet."
    top = rows[rows["eps"] == rows["eps"].max()].sort_values("epoch")
    first, last = top.iloc[0], top.iloc[-1]
    level = style.level_name(float(first["eps"]), norm)
    return (
        f"Validation accuracy at {level} goes from {100 * first['value']:.1f} % after epoch"
        f" {int(first['epoch'])} to {100 * last['value']:.1f} % after epoch {int(last['epoch'])}."
    )
