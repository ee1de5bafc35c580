"""The report's clinical numbers: without noise and under the strongest attack, class by class."""

from functools import lru_cache
from typing import Any

import pandas as pd

from smd.analysis.clinical_measures import UNDER
from smd.analysis.clinical_sources import Asked
from smd.analysis.clinical_tables import Clinical, clinical_tables
from smd.errors import UserError
from smd.export.empty import EMPTY
from smd.frames import groups, records
from smd.report import words
from smd.report.known import Known
from smd.report.markup import Markup, cut, element, joined, number, paragraph, table, with_code
from smd.report.strongest import Strongest

MOST = 30  # classes; with more the tables are longer than anybody reads


def section(known: Known) -> Markup:
    """Numbers of all classes together, then a table a level with a row a class."""
    heading, best = element("h3", "Clinical numbers"), known.strongest
    if best is None:
        return joined([])
    found = numbers(known)
    if isinstance(found, str):
        return joined([heading, paragraph(with_code(found))])
    notes = [paragraph(with_code(note), class_="note") for note in found.notes]
    return joined([heading, _overall(found.numbers), *_by_class(found.numbers), *notes])


@lru_cache(maxsize=1)  # two sections of a report tell them
def numbers(known: Known) -> Clinical | str:
    """Those of the strongest attack and of the clean images, or why there are none: a sentence with
    a command between backticks."""
    if known.strongest is None:
        return f"No attack is stored: `{words.attack_command(known, 'ce-pgd')}`"
    if len(known.classes) > MOST:
        command = words.clinical_command(known)
        return f"They are left out, as there are {len(known.classes):,} classes: `{command}`"
    try:
        return _found(known, known.strongest)
    except UserError as error:
        return str(error).replace(str(known.run.folder), known.run.id)


def _found(known: Known, best: Strongest) -> Clinical:
    which = (known.split, best.norm, best.weights, best.name, known.config.norm)
    asked = Asked(known.run.store, known.run.id, *which)
    clean = [] if best.clean is None else [0.0]
    return clinical_tables(asked, [*clean, best.eps])


def _overall(numbers: pd.DataFrame) -> Markup:
    rows = records(numbers[numbers["class"] == ""])
    patients = any(pd.notna(row["patients"]) for row in rows)  # where not, the notes say so
    heads = ["measure", "ε", "value", "95 % interval", "n", *["patients"] * patients, "from"]
    cells = [
        [
            str(row["measure"]),
            "clean" if row["noise level"] == "0" else str(row["noise level"]),
            _value(row, "value"),
            _ends(row, " to ") or EMPTY,
            number(row["n"]),
            *([number(row["patients"])] if patients else []),
            cut(row["from"], 60),
        ]
        for row in rows
    ]
    return table("Of all classes together.", heads, cells, class_="overall")


def _by_class(numbers: pd.DataFrame) -> list[Markup]:
    """A table a level: rows are classes, columns measures."""
    rows = numbers[numbers["class"] != ""]
    return [
        _one_level(str(level), part) for (level,), part in groups(rows, ["noise level"], sort=False)
    ]


def _one_level(level: str, part: pd.DataFrame) -> Markup:
    names = part["measure"].str.replace(UNDER, "", regex=False)
    columns = {str(name): records(rows) for name, rows in part.groupby(names, sort=False)}
    rows = [  # every measure has the classes in the same order
        [cut(each[0]["class"], 80), number(each[0]["of the class"]), *map(cell, each)]
        for each in zip(*columns.values(), strict=True)
    ]
    at = f"under attack at {level}, each at most" if level != "0" else "without noise"
    source = ", ".join(dict.fromkeys(map(str, part["from"])))
    caption = f"Each class against the rest {at}, with 95 % intervals ({cut(source, 120)})."
    return table(caption, ["class", "images of it", *columns], rows, class_="measures")


def cell(row: dict[str, Any]) -> str:
    """A number of Clinical with its interval below."""
    if pd.isna(row["value"]):
        return EMPTY
    told = [_value(row, "value"), element("small", _ends(row, "–"))]
    return element("span", told, class_="value")


def _value(row: dict[str, Any], name: str) -> str:
    """A share in % with one decimal, an area under a curve with three."""
    decimals = 1 if "(%)" in row["measure"] else 3
    return EMPTY if pd.isna(row[name]) else f"{row[name]:.{decimals}f}"


def _ends(row: dict[str, Any], between: str) -> str:
    """The interval; "" where there is none."""
    if pd.isna(row["95 % from"]) or pd.isna(row["95 % to"]):
        return ""
    return between.join([_value(row, "95 % from"), _value(row, "95 % to")])
