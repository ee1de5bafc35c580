"""Figs. 5 to 7: histograms of margins."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from smd import registry
from smd.config.schema import EstimateConfig
from smd.core.kinds import FOUND, KINDS, MISCLASSIFIED, NOT_DRAWN, REACHED
from smd.export.estimates import paired
from smd.runs.folders import Run
from smd.store import reader
from smd.units import px, show_level

from ... import data
from .. import histograms, style
from .figure import HEIGHT, Figure, Kind
from .runs import described, some, training

LEVEL = px(8)[0]  # the rule in histograms, and what shares are said of
PROBED = px(16, 8)  # how far PGD looks in Fig. 5, left and right
UNDER = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=0)
SAID = (  # of margins that were kept while training, see smd.core.kinds.MEANING
    "Found: the last search crossed the boundary. Reached: it met none, and the margin says how far"
    " the next one may go: no distance. Misclassified images have no margin and stand left of 0."
    " The rule is at 8/255."
)
LOOKED = (  # of estimates
    "Found margins are upper bounds. Reached: no boundary was met within the level, so the image"
    " stands where the search ended. Misclassified images have no margin and stand left of 0. The"
    " rule is at 8/255."
)


def probed(kind: Kind, runs: Sequence[Run], shown: Sequence[Run]) -> Figure:
    """Fig. 5: margins of a clean network by PGD that looks 16/255 and 8/255 far."""
    if not shown:
        missing = training(runs, "std")
        return kind.lacking("It takes a network trained on clean images.", missing)
    run = shown[0]
    pairs = estimated(run)
    if not pairs:
        config = EstimateConfig(run.id, "pgd", levels=tuple(sorted(PROBED)), n=some(run, 1000))
        about = f"It takes an estimate of {described(run)} at both levels."
        return kind.lacking(about, config, [run])
    newest = pairs[-1]
    counts = [data.read(reader.estimate_hist, run.store, row["id"]) for row in newest]
    rows = [data.read(reader.estimate_results, run.store, row["id"]) for row in newest]
    n, split = int(newest[0]["n"]), newest[0]["split"]
    names = [f"PGD {show_level(eps)}" for eps in PROBED]
    panels = [
        _histogram(one, counts, f"{split} images").properties(title=name)
        for name, one in zip(names, counts, strict=True)
    ]
    each = ". ".join(f"{name}: {counted(one)}" for name, one in zip(names, rows, strict=True))
    other = ", averaged weights" * (newest[0]["weights"] != "last")
    about = f"{described(run)}{other}; {n:,} {split} images. {each}. {_medians(*rows)} {LOOKED}"
    return kind.drawn(about, *panels, runs=[run])


def estimated(run: Run) -> list[list["pd.Series[Any]"]]:
    """Estimations by PGD of one network on the same images, one at each level of PROBED: their rows
    of reader.estimates. Those on the last weights come last, of these the newest."""
    table = data.brief(reader.estimates, run.store)
    even = ~table["picked"].astype(bool)
    table = table[(table["method"] == "pgd") & (table["norm"] == "Linf") & even]
    pairs = []
    for _, part in table.groupby(["split", "n", "weights", "seed"]):
        level = part["eps"].map(show_level)
        at_each = [part[level == show_level(eps)] for eps in PROBED]
        if not any(rows.empty for rows in at_each):
            pairs.append([rows.iloc[-1] for rows in at_each])
    return [pair for pair in sorted(pairs, key=_preferred) if _same_images(run, pair)]


def _same_images(run: Run, pair: "list[pd.Series[Any]]") -> bool:
    """Whether both are of the very same images: as many may be others, as earlier versions did not
    say which were picked by hand."""
    each = [data.read(reader.estimate_results, run.store, row["id"])["idx"] for row in pair]
    return all(set(ids) == set(each[0]) for ids in each)


def _preferred(pair: "list[pd.Series[Any]]") -> tuple[bool, float]:
    return pair[0]["weights"] == "last", min(float(row["created"]) for row in pair)


def counted(rows: pd.DataFrame) -> str:
    """How many images of each kind: "10 found, 288 reached, 2 misclassified"."""
    count = rows["kind"].value_counts()
    return ", ".join(f"{count.get(kind, 0):,} {kind}" for kind in KINDS)


def _medians(one: pd.DataFrame, two: pd.DataFrame) -> str:
    """What the distance looked at does to the median, on the images where it can be compared."""
    pair = paired(one, two)
    if not pair.n:
        return "No image met a boundary within both levels, so their medians cannot be compared."
    first, second = (f"{255 * median:.1f}/255" for median in pair.medians)
    return (
        f"On the {pair.n:,} images that met a boundary within both, the medians are {first} and"
        f" {second}."
    )


def margins(kind: Kind, runs: Sequence[Run], shown: Sequence[Run]) -> Figure:
    """Figs. 6 and 7: the margins that a defense has kept of its training images."""
    run = shown[0] if shown else None
    epochs = data.read(reader.margin_summary, run.store)["epoch"] if run else pd.Series(dtype=int)
    if run is None or epochs.empty or run.config.norm != "Linf":
        title = registry.DEFENSES[kind.defense].title
        missing = training(runs, kind.defense)
        lengths = run is not None and run.config.norm != "Linf"
        about = f"It takes a run of {title} with its margins{', in L∞' * lengths}."
        return kind.lacking(about, missing)
    last = int(epochs.max())
    counts = data.read(reader.margin_hist, run.store, last)
    rows = data.read(reader.margins, run.store, last)
    left = len(data.read(reader.samples, run.store, "train")) - len(rows)
    drawn = f"{counted(rows)}{f', {left:,} {NOT_DRAWN}' if left else ''}"
    about = f"{described(run)}, after epoch {last}: {drawn}. {beyond(rows, left > 0)} {SAID}"
    return kind.drawn(about, _histogram(counts, [counts], "training images"), runs=[run])


def beyond(rows: pd.DataFrame, part: bool = False, level: float = LEVEL) -> str:
    """How many images are correct and beyond the level, and how many of these have met a boundary;
    rows: margins; part: whether there are images that the epoch did not draw."""
    far = rows[(rows["kind"] != MISCLASSIFIED) & (rows["margin"] > level)]["kind"].value_counts()
    return (
        f"{far.sum():,} of {len(rows):,} {'drawn ' * part}training images are classified correctly"
        f" and beyond {show_level(level)}; of these {far.get(FOUND, 0):,} found,"
        f" {far.get(REACHED, 0):,} reached."
    )


def _histogram(counts: pd.DataFrame, beside: Sequence[pd.DataFrame], images: str) -> alt.LayerChart:
    """Bins of 1/255 by kind, a rule at 8/255; counts: kind, bin, n; beside: all that shares its
    axes."""
    every = pd.concat(beside)
    top = max(255 * LEVEL + 1, float(every["bin"].max()) + 1)
    left = histograms.placed(every, top)[1]
    high = max(float(one.groupby("bin")["n"].sum().max()) for one in beside)
    rows, _ = histograms.placed(counts, top)
    scale = alt.Scale(domain=[left, top], nice=False)
    x = alt.X("low:Q", title=style.MARGIN, bin="binned", scale=scale, axis=style.NOT_NEGATIVE)
    y = alt.Y("n:Q", title=images, scale=alt.Scale(domain=[0, high]))
    tip = [
        "kind:N",
        alt.Tooltip("low:Q", title="from (1/255)"),
        alt.Tooltip("n:Q", title="images"),
    ]
    colour, order = style.kind_colour(every, UNDER), alt.Order("order:Q")
    bars = alt.Chart(rows).mark_bar(binSpacing=0.5)
    at = pd.DataFrame({"at": [255 * LEVEL]})
    rule = alt.Chart(at).mark_rule(strokeDash=[3, 3], color=style.GRAY).encode(alt.X("at:Q"))
    return alt.layer(
        bars.encode(x, alt.X2("high:Q"), y, colour, order, tooltip=tip), rule
    ).properties(height=HEIGHT)
