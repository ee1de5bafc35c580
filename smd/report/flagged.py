"""The report on trust: flags that attacks have raised, gaps between attacks, and what cannot be
concluded."""

from typing import Any

import pandas as pd

from smd.analysis.flags import FLAGS
from smd.analysis.gaps import LARGE, gaps, taken_over
from smd.export.titles import attack_title
from smd.frames import groups, records
from smd.report import limits, words
from smd.report.known import Known
from smd.report.markup import Markup, cut, element, joined, listing, paragraph
from smd.units import level_title

NONE = (
    "None: AutoAttack, the one attack that looks for them, has met no random answers, no vanishing"
    " gradients and no other sign that it was hindered."
)
NOT_LOOKED = (
    "Random answers, vanishing gradients and other signs that an attack is hindered were not looked"
    " for: AutoAttack alone looks for them, and it was not run on these images."
)
ATTACK = ["name", "steps", "norm", "n", "note", "eps"]  # one attack at one level


def section(known: Known) -> Markup:
    """What is suspicious, then what cannot be concluded at all."""
    flags = [_flag(name, part) for (name,), part in groups(known.flags, ["flag"])]
    left = [text] if (text := taken_over(_worst(known))) else []
    said = [*flags, *_gaps(known)]
    heading = element("h3", "Flags")
    if said:
        return joined([heading, listing([*said, *left], "cautions"), limits.section(known)])
    told = " ".join([_none(known), *left])
    return joined([heading, paragraph(told), limits.section(known)])


def _none(known: Known) -> str:
    if known.predictions.empty:
        return "No attack has looked, so that none was raised."
    attacked = known.predictions[known.predictions["eps"] > 0]
    looked = "autoattack" in set(attacked["name"])
    return f"{NONE if looked else NOT_LOOKED} {_compared(known)}"


def _compared(known: Known) -> str:
    """How many pairs of attacks were held against each other, none of them with a large gap."""
    pairs = len(gaps(_worst(known)))
    if not pairs:
        return "No two attacks of different strength were compared on the same images."
    some = f"{pairs} pairs of attacks" if pairs > 1 else "one pair of attacks"
    return (
        f"In {some} at one noise level and on the same images the stronger one took no more than"
        f" {LARGE:g} points from the weaker one beyond chance."
    )


def _flag(name: str, part: pd.DataFrame) -> Markup:
    title, meaning = FLAGS.get(name, (name, "This version does not know it."))
    where = dict.fromkeys(_where(row) for row in records(part))
    details = dict.fromkeys(cut(text, 120) for text in part["detail"].dropna() if text)
    return joined(
        [element("strong", f"{cut(title, 80)}: "), f"{meaning} Raised by {'; '.join(where)}."]
        + [f" Details: {'; '.join(list(details)[:5])}."] * bool(details)
    )


def _where(row: dict[str, Any]) -> str:
    note = row["note"] if isinstance(row["note"], str) else ""
    steps = 0 if pd.isna(row["steps"]) else int(row["steps"])
    at = level_title(row["eps"], row["norm"]) if row["eps"] else "clean"
    return cut(f"{attack_title(str(row['name']), note, steps)} at {at}", 120)


def _gaps(known: Known) -> list[Markup]:
    """Stronger attacks that take much more than weaker ones on the same images."""
    table = gaps(_worst(known))
    return [_gap(known, row) for row in records(table[table["flag"].astype(bool)])]


def _worst(known: Known) -> pd.DataFrame:
    """How each image fared with all seeds of an attack, and whose it is."""
    verdicts = known.predictions.groupby([*ATTACK, "idx"], dropna=False, as_index=False)
    worst = verdicts.agg(ok=("ok", "all"), seeds=("seed", "nunique"))
    whose = known.samples[known.split].set_index("idx")["patient"]
    return worst.assign(split=known.split, patient=worst["idx"].map(whose))


def _gap(known: Known, row: dict[str, Any]) -> Markup:
    at = level_title(row["eps"], row["norm"])
    told = (
        f"{row['stronger']} leaves {row['after']:.2f} % where {row['weaker']} leaves"
        f" {row['before']:.2f} % of the same {words.images(row['n'], known.split)} at {at}"
        f" (paired test, p = {row['p']:.2g}). {row['meaning']}"
    )
    return joined([element("strong", "Gap between attacks: "), told])
