"""The report on trust: flags that attacks have raised, gaps between attacks, and what cannot be
concluded."""

from typing import Any

import pandas as pd

from smd.analysis.flags import FLAGS
from smd.analysis.gaps import gaps
from smd.export.titles import attack_title
from smd.frames import groups, records
from smd.report import limits, words
from smd.report.known import Known
from smd.report.markup import Markup, cut, element, joined, listing, paragraph
from smd.units import level_title

ATTACK = ["name", "steps", "norm", "n", "note", "eps"]  # one attack at one level


def section(known: Known) -> Markup:
    """What is suspicious, then what cannot be concluded at all."""
    flags = [_flag(name, part) for (name,), part in groups(known.flags, ["flag"])]
    said = [*flags, *_gaps(known)]
    heading = element("h3", "Flags")
    if said:
        return joined([heading, listing(said, "cautions"), limits.section(known)])
    return joined([heading, paragraph(_none(known)), limits.section(known)])


def _none(known: Known) -> str:
    if known.predictions.empty:
        return "No attack has looked, so that none was raised."
    return (
        "None: the attacks that were run have met no random answers, no vanishing gradients and no"
        " other sign that they were hindered, and no stronger one took more than two points from a"
        " weaker one beyond chance. Only AutoAttack looks for all of these."
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
    verdicts = known.predictions.groupby([*ATTACK, "idx"], dropna=False, as_index=False)
    worst = verdicts.agg(ok=("ok", "all"), seeds=("seed", "nunique"))
    table = gaps(worst.assign(split=known.split))
    return [_gap(known, row) for row in records(table[table["flag"].astype(bool)])]


def _gap(known: Known, row: dict[str, Any]) -> Markup:
    at = level_title(row["eps"], row["norm"])
    told = (
        f"{row['stronger']} leaves {row['after']:.2f} % where {row['weaker']} leaves"
        f" {row['before']:.2f} % of the same {words.images(row['n'], known.split)} at {at}"
        f" (paired test, p = {row['p']:.2g}). {row['meaning']}"
    )
    return joined([element("strong", "Gap between attacks: "), told])
