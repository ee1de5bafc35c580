"""Clinical numbers as people read them: a row a noise level, a class or a group, and in every cell
the value, its 95 % interval and n."""

from typing import Any

import pandas as pd

from smd.analysis.clinical import FEWEST
from smd.analysis.clinical_measures import ENDS, UNDER
from smd.export.percent import shown
from smd.frames import groups, records

CLEAN = "0"  # the noise level of clean images in the tables of clinical_tables
MOST = " (at most)"  # beside a noise level: an attack may miss the worst
FIRST = ("accuracy (%)", "balanced accuracy (%)")
LAST = ("patients", "from")


def by_level(numbers: pd.DataFrame, positive: str = "") -> pd.DataFrame:
    """A row a noise level: what is known of all classes together, and of the class `positive`
    against the others ("": of none), the patients if any is known, and where the numbers are from.

    numbers: as of Clinical.
    """
    rows = [
        {"noise level": _level(level), **_cells(_wanted(part, positive)), **_about(part)}
        for (level,), part in groups(numbers, ["noise level"], sort=False)
    ]
    return _ordered(rows, "noise level")


def by_class(numbers: pd.DataFrame, level: str) -> pd.DataFrame:
    """A row a class at one noise level: each against the others.

    numbers: as of Clinical; level: as stands there.
    """
    part = numbers[(numbers["noise level"] == level) & (numbers["class"] != "")]
    columns = {
        str(name): records(rows) for name, rows in part.groupby(_plain(part), sort=False)
    }  # every measure has the classes in the same order
    first = next(iter(columns.values()), [])
    about = {"class": [r["class"] for r in first], "images": [r["of the class"] for r in first]}
    cells = {name: [cell(row) for row in rows] for name, rows in columns.items()}
    return pd.DataFrame({**about, **cells})


def by_group(grouped: pd.DataFrame, level: str) -> pd.DataFrame:
    """A row a group at one noise level, all classes together; a group that is too small says so.

    grouped: the groups of Clinical; level: as stands there.
    """
    rows = [
        {"group": f"{name}: {value}", **_cells(_counted(part)), **_about(part)}
        for (name, value), part in groups(
            grouped[grouped["noise level"] == level], ["group", "value"], sort=False
        )
    ]
    return _ordered(rows, "group")


def sources(numbers: pd.DataFrame) -> str:
    """Where these numbers are from: "CE-PGD, 20 steps; worst scores, 50 steps"."""
    return "; ".join(dict.fromkeys(map(str, numbers["from"])))


def cell(row: dict[str, Any]) -> str | None:
    """ "81.25 (75.1–86.0), n = 45", a share in % or an area under a curve; None where undefined.

    row: of the numbers of Clinical.
    """
    if pd.isna(row["value"]):
        return None
    share = "(%)" in row["measure"]
    value = shown(row["value"]) if share else f"{row['value']:.3f}"
    low, high = (row[end] for end in ENDS)
    decimals = 1 if share else 3
    ends = "" if pd.isna(low + high) else f" ({low:.{decimals}f}–{high:.{decimals}f})"
    return f"{value}{ends}, n = {row['out of']:,}"


def _ordered(rows: list[dict[str, Any]], what: str) -> pd.DataFrame:
    """A table whose first column is `what`; the others have the same order in every table."""
    table = pd.DataFrame(rows)
    measured = [name for name in table if name not in (what, *FIRST, *LAST)]
    order = [what, *FIRST, *measured, *LAST]
    return table[[name for name in order if name in table]]


def _cells(rows: pd.DataFrame) -> dict[str, str | None]:
    """The cells of a row, by the names of their columns."""
    return {
        name: _small(row) if row.get("too small") else cell(row)
        for name, row in zip(_plain(rows), records(rows), strict=True)
    }


def _small(row: dict[str, Any]) -> str:
    return f"n = {row['out of']:,}, some class under {FEWEST}"


def _plain(rows: pd.DataFrame) -> "pd.Series[str]":
    """The measures, as they are called without noise."""
    return rows["measure"].str.replace(UNDER, "", regex=False)


def _wanted(part: pd.DataFrame, positive: str) -> pd.DataFrame:
    """Without what makes numbers of all images count as too small: they stand as they are."""
    classes = ["", positive] if positive else [""]
    return part[part["class"].isin(classes)]


def _counted(part: pd.DataFrame) -> pd.DataFrame:
    """A group's rows as those of all images: the number is a value, of n images."""
    return part.assign(value=part["number"], **{"out of": part["n"]})


def _level(level: Any) -> str:
    return "clean" if level == CLEAN else f"{level}{MOST}"


def _about(part: pd.DataFrame) -> dict[str, Any]:
    """How many patients the images are of, where any is known, and where the numbers are from."""
    patients = part["patients"].max()
    return {**({} if pd.isna(patients) else {"patients": int(patients)}), "from": sources(part)}
