"""The report on groups of images, such as sites: clinical numbers, clean and under attack."""

from typing import Any

import pandas as pd

from smd.analysis.clinical import FEWEST
from smd.analysis.clinical_measures import UNDER
from smd.export.empty import EMPTY
from smd.frames import groups, records
from smd.report import clinical, words
from smd.report.known import Known
from smd.report.markup import Markup, cut, element, joined, number, paragraph, table, with_code

MOST = 60  # groups that the table names
NOTE = (
    f"Of a group marked * some class has fewer than {FEWEST} images behind a number, which is left"
    " out then. Many groups are compared here, so that some differ by chance alone."
)


def section(known: Known) -> Markup:
    """A row a group, each number with its interval over patients."""
    if known.groups.empty:
        return paragraph(
            "No groups are known: no table of labels told a site, a scanner or the patients' sex,"
            " so it cannot be said whether some of them fare worse."
            + " Import the images again with a table that has such columns."
            * (known.config.data == "folder")
        )
    if known.strongest is None:
        return paragraph(
            f"Groups are known, but no attack on {words.SPLIT[known.split]} images is stored:"
            f" {words.attack_command(known, 'ce-pgd')} makes the table."
        )
    found = clinical.numbers(known)
    if isinstance(found, str):
        return paragraph(with_code(found))
    return _table(known, found.groups)


def _table(known: Known, found: pd.DataFrame) -> Markup:
    """found: the groups of Clinical."""
    heads = list(dict.fromkeys(map(_head, records(found))))
    parts = list(groups(found, ["group", "value"]))
    patients = bool(found["patients"].notna().any())
    rows = [_row(name, value, part, heads, patients) for (name, value), part in parts[:MOST]]
    rest = f" The first {MOST} of {len(parts):,} groups." * (len(parts) > MOST)
    whose = "patients" if patients else "images, as nothing tells patients"
    sources = cut("; ".join(dict.fromkeys(map(str, found["from"]))), 200)
    caption = (
        f"Groups of {words.images(known.n, known.split)}, as far as attacked or scored (n), all"
        f" classes together, with 95 % intervals over {whose} ({sources}).{rest}"
    )
    columns = ["group", "n", *["patients"] * patients, *heads]
    shown = table(caption, columns, rows, class_="groups")
    return joined([shown, paragraph(NOTE, class_="note")])


def _head(row: dict[str, Any]) -> str:
    level = row["noise level"]
    at = "clean" if level == "0" else f"at most, at {level}"
    return f"{row['measure'].replace(UNDER, '')}, {at}"


def _row(name: str, value: str, part: pd.DataFrame, heads: list[str], patients: bool) -> list[str]:
    each = {_head(row): row for row in records(part.assign(value=part["number"]))}
    few = any(row["too small"] for row in each.values())
    counts = [part["n"].max(), *([part["patients"].max()] if patients else [])]
    return [
        f"{cut(name, 60)}: {cut(value, 60)}{' *' * few}",
        *(EMPTY if pd.isna(count) else number(count) for count in counts),
        *(_cell(each.get(head), part["n"].max()) for head in heads),
    ]


def _cell(row: dict[str, Any] | None, n: int) -> str:
    """A number, with its own n where that is not the row's, as of a search on fewer images."""
    if row is None:
        return EMPTY
    told = clinical.cell(row)
    if row["n"] == n or told == EMPTY:
        return told
    return element("span", [told, element("small", f"n = {row['n']:,}")], class_="value")
