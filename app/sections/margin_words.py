"""Margins in figures and sentences: what is known of a source's images, and of how many."""

import math

import pandas as pd

from smd.core.kinds import (
    CERTIFIED,
    FOUND,
    KINDS,
    MEANING,
    MISCLASSIFIED,
    NOT_DRAWN,
    REACHED,
    middle,
)
from smd.export import EMPTY
from smd.export.estimates import share_beyond
from smd.export.percent import interval
from smd.store import reader
from smd.units import factor, level_title, show_length, show_level

from .. import data
from ..components.plain import plain
from ..selection import sources
from ..selection.filters import SPLITS
from ..selection.sources import Source
from . import bounds_words

UNFOLLOWED = "Not known: images that met no boundary were not followed that far."
Card = tuple[str, str, str]  # label, value, what it means


def rows(source: Source, epoch: int) -> pd.DataFrame:
    """An image a row: margin (unit of x), kind and more; epoch 0: the last one. Of a run's own
    margins those that the epoch drew."""
    if source.estimate:
        return sources.results(source)
    return data.read(reader.margins, source.run.store, sources.last_epoch(source, epoch))


def cards(source: Source, epoch: int, levels: tuple[float, ...]) -> list[Card]:
    """Clean accuracy, the median margin and the share of images that are correct with a margin
    larger than each level; of a run's own, of the images that the epoch drew."""
    images = rows(source, epoch)
    shares = larger(source, epoch, images, levels)
    return [
        _clean(source, images),
        _median(source, images),
        *(_card(source, images, *pair) for pair in shares.items()),
    ]


def larger(
    source: Source, epoch: int, images: pd.DataFrame, levels: tuple[float, ...]
) -> dict[float, float]:
    """The share of these images that are correct with a margin larger than each level; nan where
    that is not known."""
    if source.estimate:
        return {eps: share_beyond(images, eps) for eps in levels}
    return data.value(
        reader.share_beyond, source.run.store, sources.last_epoch(source, epoch), levels
    )


def _clean(source: Source, images: pd.DataFrame) -> Card:
    right, n = int((images["kind"] != MISCLASSIFIED).sum()), len(images)
    share = right / n if n else math.nan
    when = "" if source.estimate else ", when the epoch came to them"
    meaning = f"{right:,} of {whose(source, images)} are classified correctly without noise{when}."
    return "clean accuracy", _percent(share), meaning + _sampled(source, share, n)


def _median(source: Source, images: pd.DataFrame) -> Card:
    count = images["kind"].value_counts()
    right = len(images) - count.get(MISCLASSIFIED, 0)
    value, kind = middle(images)
    shown = show_length(value, source.norm) if right else EMPTY
    if kind == CERTIFIED:
        what = "Proven: no adversarial example is nearer. The boundary may be much farther."
    elif source.estimate and kind == REACHED:
        shown = f"> {shown}"
        what = (
            f"{count.get(REACHED, 0):,} of them met no boundary and count as farther: a median of"
            " such searches is larger than this, and says no more."
        )
    elif source.estimate:
        what = "The boundary is at that distance or nearer: another search may find a nearer one."
    else:
        what = (
            f"{count.get(FOUND, 0):,} of them met a boundary in their last search; for the others"
            " the number says how far the search may go, and is no distance."
        )
    searched = count.get(REACHED, 0) > count.get(FOUND, 0)
    label = "next search to" if searched and not source.estimate else "margin"
    label = f"{label}, median of {right:,}"
    return label, shown, f"Of the {right:,} correctly classified images. {what}"


def _card(source: Source, images: pd.DataFrame, eps: float, share: float) -> Card:
    level, n = level_title(eps, source.norm), len(images)
    title = f"correct, margin > {level}"
    if not math.isfinite(share):
        meaning = "Not known of all: some are neither found nor proven that far."
        meaning = meaning if (images["kind"] == CERTIFIED).any() else UNFOLLOWED
    elif (images["kind"] == CERTIFIED).any():
        meaning = f"Of all {n:,} images: proven to be robust at {level}. More may be so."
        meaning += _sampled(source, share, n)
    elif source.estimate:
        meaning = (
            f"Of all {n:,} images; misclassified ones do not count. No more than these are robust"
            f" at {level}." + _sampled(source, share, n)
        )
    else:
        far = (images["kind"] != MISCLASSIFIED) & (images["margin"] > eps)
        count = images.loc[far, "kind"].value_counts()
        title = f"correct, found or reached > {level}"
        meaning = (
            f"Of {whose(source, images, 'all ')}: correctly classified and beyond"
            f" {level}. {count.get(FOUND, 0):,} of these met a boundary there,"
            f" {count.get(REACHED, 0):,} have met none so far: their number says how far the next"
            " search may go, and the last one may have ended nearer."
        )
    return title, _percent(share), meaning


def whose(source: Source, images: pd.DataFrame, every: str = "") -> str:
    """The images that figures are of: "1,294 training images", or those that the epoch drew."""
    said = f"{len(images):,} {SPLITS[source.split]}"
    return f"the {said} that the epoch drew" if sources.undrawn(source, images) else every + said


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if math.isfinite(share) else "–"


def _sampled(source: Source, share: float, n: int) -> str:
    """The interval, where the images stand for others: a run's own margins are those of all its
    training images."""
    text = interval(share, n) if source.estimate else ""
    return f" For images like these: {text} (95 %)." if text else ""


def kinds(source: Source, epoch: int) -> str:
    """How many images of each kind, and what the kind means."""
    images = rows(source, epoch)
    if source.estimate:
        return _of_estimate(source, images)
    count = images["kind"].value_counts().to_dict()
    if left := sources.undrawn(source, images):
        count[NOT_DRAWN] = left
    shown = [kind for kind in MEANING if kind in KINDS or kind in count]
    return "  \n".join(f"**{count.get(kind, 0):,} {kind}**: {MEANING[kind]}." for kind in shown)


def _of_estimate(source: Source, images: pd.DataFrame) -> str:
    """What the histogram of an estimate leaves out or cannot know, in a sentence or two."""
    if (images["kind"] == CERTIFIED).any():
        return f"**{plain(source.title)}.** {bounds_words.of_images(source.run, source)}"
    unmet, wrong = (int((images["kind"] == kind).sum()) for kind in (REACHED, MISCLASSIFIED))
    limit = f" within {show_level(source.eps, source.norm)}" if source.eps else ""
    said = (
        f"{unmet} of {len(images)} images met no boundary{limit}: they stand where the search for"
        " one ended."
        if unmet
        else f"Every correctly classified image met a boundary{limit}."
    )
    left_out = f" {wrong} misclassified images have no margin." if wrong else ""
    bound = " Each found margin is an upper bound: the boundary is at that distance or nearer."
    return f"**{plain(source.title)}.** {said}{left_out}{bound}"


def fullest(counts: pd.DataFrame) -> str:
    """Where most images of a histogram are, for those who cannot see it; counts as from
    sources.counts."""
    correct = counts[counts["kind"] != MISCLASSIFIED].groupby("bin")["n"].sum()
    wrong = int(counts.loc[counts["kind"] == MISCLASSIFIED, "n"].sum())
    most = f"the fullest bin begins at {correct.idxmax()}/255, " if len(correct) else ""
    return f"{most}{wrong:,} images are misclassified."


def growth(summary: pd.DataFrame, schedule: pd.DataFrame | None, norm: str = "Linf") -> str:
    """Where the median ended, and where the schedule alone would have: summary as from
    reader.margin_summary."""
    last, median = int(summary["epoch"].iloc[-1]), float(summary["q50"].iloc[-1])
    ended = f"The median ends at {show_length(median, norm, 1)}"
    if schedule is None or last not in set(schedule["epoch"]):
        return f"{ended}."
    alone = float(schedule.set_index("epoch")["margin"][last])
    ceiling = show_length(alone / factor(norm), norm, 1)
    return (
        f"{ended}; the schedule alone (γ₂ = 1, no boundary met) would end at {ceiling}:"
        " growth up to the dashed line is the schedule's doing. Where margins stay below it,"
        " gradients or a boundary held them back."
    )
