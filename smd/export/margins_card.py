"""The model card's section on margins: those kept while training, and estimates of test images."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from smd.core.kinds import FOUND, KINDS, MEANING, MISCLASSIFIED, REACHED, middle
from smd.export.estimates import share_beyond
from smd.export.percent import interval
from smd.units import show_length, show_level

NONE = "No margins were kept while training, and none of test images were estimated."


@dataclass(frozen=True)
class Kept:
    """The margins that the defense kept of training images."""

    epoch: int
    images: pd.DataFrame  # reader.margins of that epoch
    total: int  # training images, whether the epoch drew them or not


@dataclass(frozen=True)
class Estimated:
    """The margins of test images that were estimated when the training was over."""

    method: str  # as a title
    settings: str  # in words
    images: pd.DataFrame  # reader.estimate_results


def margins_section(
    kept: Kept | None,
    estimated: Estimated | None,
    levels: Sequence[float],
    reason: str = "",
    norm: str = "Linf",
) -> str:
    """What is known of margins, in Markdown; they are distances in that norm.

    levels: in that norm, too. reason: why none of test images were estimated.
    """
    parts = [_kept(kept, levels, norm)] if kept is not None and len(kept.images) else []
    if estimated is not None:
        parts.append(_estimated(estimated, levels, norm))
    elif reason:
        parts.append(reason)
    return "\n\n".join(parts) if parts else NONE


def _kept(kept: Kept, levels: Sequence[float], norm: str) -> str:
    images, n = kept.images, len(kept.images)
    count = images["kind"].value_counts()
    right = images[images["kind"] != MISCLASSIFIED]
    whose = f"all {n:,} training images"
    if n < kept.total:
        whose = f"the {n:,} of {kept.total:,} training images that the epoch drew"
    lines = [f"Margins of {whose}, as kept while training, after epoch {kept.epoch}:", ""]
    lines += [f"- {count.get(kind, 0):,} of {n:,} {kind}: {MEANING[kind]}." for kind in KINDS]
    if len(right):
        lines.append(
            f"- Median over the {len(right):,} correctly classified ones:"
            f" {_length(right['margin'].median(), norm)}, of {count.get(FOUND, 0):,} found and"
            f" {count.get(REACHED, 0):,} reached ones together."
        )
    for level in levels:
        far = int((right["margin"] > level).sum())
        lines.append(
            f"- Correct, with a margin larger than {show_level(level, norm)}: {far:,} of {n:,},"
            f" {100 * far / n:.1f} %."
        )
    lines += [
        "",
        "These are the images that the network was trained on; no share above is an accuracy on"
        " others.",
    ]
    return "\n".join(lines)


def _estimated(estimated: Estimated, levels: Sequence[float], norm: str) -> str:
    images, n = estimated.images, len(estimated.images)
    right, met = int(images["clean_ok"].sum()), int((images["kind"] == FOUND).sum())
    lines = [
        f"Estimated margins of {n:,} test images, spread over the test split:"
        f" {estimated.method}, {estimated.settings}. Each is an upper bound: the decision"
        " boundary is at that distance or nearer.",
        "",
        f"- Classified correctly without noise: {_share(right / n, n)}. A boundary was found"
        f" for {met:,} of these.",
    ]
    if right and met == right:
        most = _length(middle(images)[0], norm)
        lines.append(f"- Median over the {right:,} correctly classified ones: at most {most}.")
    lines += [
        f"- Correct and not known to be fooled within {show_level(e, norm)}: {_beyond(images, e)}."
        for e in levels
    ]
    return "\n".join(lines)


def _beyond(images: pd.DataFrame, level: float) -> str:
    share = share_beyond(images, level)
    return (
        _share(share, len(images))
        if share == share
        else "not known, as some searches met no boundary"
    )


def _share(share: float, n: int) -> str:
    said = f"{round(share * n):,} of {n:,}, {100 * share:.1f} %"
    return f"{said} (95 % interval for images like these: {interval(share, n)})"


def _length(margin: float, norm: str) -> str:
    told = show_length(margin, norm, 1)
    return told if norm == "Linf" else f"{told} ({norm})"
