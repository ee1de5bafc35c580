"""The images that fall first: ten of the split, with what they are taken for."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from smd.config.notes import AVERAGED
from smd.core.kinds import FOUND
from smd.frames import records
from smd.report import pictures, words
from smd.report.known import Estimate, Known
from smd.report.markup import Markup, code, cut, element, joined, paragraph
from smd.units import level_title, show_length

SHOWN = 10


@dataclass(frozen=True)
class Fall:
    """The smallest level at which an attack fooled an image, and what it was taken for then."""

    eps: float
    norm: str
    pred: int


@dataclass(frozen=True)
class Fragile:
    """One image and how little noise it takes."""

    idx: int
    row: int  # in the cache of images, -1 where unknown
    label: int
    told: str  # margin and kind, or the level
    fall: Fall | None  # None: no stored attack fooled it


def section(known: Known) -> Markup:
    """Pictures of the most fragile images, or what would tell them."""
    falls = _falls(known)
    chosen, how = _chosen(known, falls)
    if not chosen:
        return paragraph(how)
    cards = [_card(known, one) for one in chosen]
    gone = [] if known.images is not None else [paragraph(_gone(known), class_="note")]
    return joined([paragraph(how), *gone, element("div", cards, class_="cards")])


def _gone(known: Known) -> Markup:
    return joined(
        ["The imported images are gone from the cache, so they are listed without pictures."]
        + [" ", code(words.locate_command(known)), " says where they are now."]
        * (known.config.data == "folder")
    )


def _chosen(known: Known, falls: dict[int, Fall]) -> tuple[list[Fragile], str]:
    """The images, the most fragile first, and a sentence on how they were found."""
    if known.estimate is not None:
        return _by_margin(known, known.estimate, falls)
    labels, sources = known.labels, known.sources
    ordered = sorted(falls.items(), key=lambda item: (item[1].eps, item[0]))[:SHOWN]
    chosen = [
        Fragile(idx, sources.get(idx, -1), int(labels.get(idx, -1)), _level(fall), fall)
        for idx, fall in ordered
    ]
    if not known.predictions["eps"].gt(0).any():
        command = words.estimate_command(known)
        return (
            [],
            "Neither margins nor attacks on these images are stored, so it is not known which of"
            f" them fall first: {command}",
        )
    if not chosen:
        return (
            [],
            "No image that is classified correctly without noise was fooled by a stored attack.",
        )
    return chosen, (
        f"No margins were estimated, so these are the first {len(chosen)} of {len(falls):,} images"
        " that stored attacks have fooled, by the smallest level that did; images that are wrong"
        " without noise are left out."
    )


def _by_margin(
    known: Known, estimate: Estimate, falls: dict[int, Fall]
) -> tuple[list[Fragile], str]:
    found = estimate.result[estimate.result["kind"] == FOUND].dropna(subset=["margin", "label"])
    if found.empty:
        return [], "No image that is classified correctly without noise has a margin of kind found."
    rows = found.sort_values(["margin", "idx"]).head(SHOWN)
    chosen = [_one(row, estimate.norm, falls) for row in records(rows)]
    return chosen, (
        f"The {len(chosen)} smallest of {len(found):,} found margins ({estimate.title}); images"
        " that are wrong without noise are left out. The class under attack is that of the"
        " smallest level at which a stored attack fooled the image."
    )


def _one(row: dict[str, Any], norm: str, falls: dict[int, Fall]) -> Fragile:
    told = f"margin {show_length(float(row['margin']), norm)}, {row['kind']}"
    source = -1 if pd.isna(row["source"]) else int(row["source"])
    return Fragile(int(row["idx"]), source, int(row["label"]), told, falls.get(int(row["idx"])))


def _level(fall: Fall) -> str:
    return f"fooled at {level_title(fall.eps, fall.norm)}, margin not estimated"


def _falls(known: Known) -> dict[int, Fall]:
    """Of each image that is right without noise and that an attack fooled the smallest level;
    attacks of one norm, the run's if there are any, on the last weights if there are any."""
    table = known.predictions
    ema = table["note"].str.contains(AVERAGED, regex=False)
    table = table[~ema] if (~ema).any() else table
    for norm in (known.config.norm, "Linf"):
        if (table["norm"] == norm).any():
            table = table[table["norm"] == norm]
    wrong = table[(table["eps"] == 0) & ~table["ok"].astype(bool)]["idx"]
    fooled = table[(table["eps"] > 0) & ~table["ok"].astype(bool) & ~table["idx"].isin(wrong)]
    first = fooled.sort_values(["eps", "created"], kind="stable").drop_duplicates("idx")
    return {
        int(row["idx"]): Fall(float(row["eps"]), str(row["norm"]), _class(row["pred"]))
        for row in records(first)
    }


def _class(pred: Any) -> int:
    return -1 if pd.isna(pred) else int(pred)


def _card(known: Known, one: Fragile) -> Markup:
    true = known.class_name(one.label)
    file = cut(known.paths.get(one.idx, f"{words.SPLIT[known.split]} image {one.idx}"), 160)
    parts = [
        _picture(known, one, f"{true}, {file}"),
        element("p", _change(known, one, true), class_="change"),
        element("p", one.told, class_="told"),
        element("p", _breakable(file), class_="file"),
    ]
    return element("figure", parts, class_="card")


def _breakable(path: str) -> Markup:
    """A path that may be broken after each of its parts."""
    return joined([joined(path.split("/"), Markup("/<wbr/>"))])


def _change(known: Known, one: Fragile, true: str) -> str:
    if one.fall is None:
        return f"{true}, fooled by no stored attack"
    at = level_title(one.fall.eps, one.fall.norm)
    return f"{true} → {known.class_name(one.fall.pred)} at {at}"


def _picture(known: Known, one: Fragile, alt: str) -> Markup:
    if known.images is None or not 0 <= one.row < len(known.images.pixels):
        return element("div", "no picture", class_="missing")
    return pictures.picture(known.images, one.row, alt)
