"""The report on accuracy: every attack and level with n and interval, and which class is taken for
which."""

from typing import Any

import pandas as pd

from smd import export
from smd.export.empty import EMPTY
from smd.export.percent import shown
from smd.frames import groups, records
from smd.report import charts, clinical, confusion, words
from smd.report.known import Known
from smd.report.markup import Markup, code, cut, element, joined, number, paragraph, table
from smd.units import level_title

HOW = (
    "An image that is misclassified without noise counts as fooled at every level. The interval is"
    " Wilson's for n images. The accuracy is the mean over the attack seeds, the spread their"
    " standard deviation; there is none where each seed takes over what those before it found"
    " (sound=yes)."
)
HEADS = ["attack", "ε", "n", "accuracy (%)", "95 % interval", "", "attack seeds", "spread (points)"]


def section(known: Known) -> Markup:
    """Accuracies as they are stored, and the confusion matrices behind two of them."""
    if known.accuracies.empty:
        return paragraph(
            f"No attack on {words.SPLIT[known.split]} images is stored, so there is no accuracy:",
            " ",
            code(words.attack_command(known, "ce-pgd")),
            " measures it.",
        )
    drawn = _charts(known.accuracies)
    return joined([_table(known), paragraph(HOW, class_="note"), *drawn, *_of_classes(known)])


def _of_classes(known: Known) -> list[Markup]:
    return [confusion.section(known), clinical.section(known)]


def _table(known: Known) -> Markup:
    cells = export.accuracy_cells({known.run.id: (known.config, known.accuracies)})
    rows = []
    for _, part in groups(cells, ["attack", "steps", "norm", "note", "n"], sort=False):
        for place, row in enumerate(records(part.sort_values("eps"))):
            rows.append(_row(row, place == 0))
    return table(f"Accuracy on {words.SPLIT[known.split]} images.", HEADS, rows, class_="accuracy")


def _row(cell: dict[str, Any], first: bool) -> list[str]:
    """A row of the table; cell: one of export.CELLS. Levels of an attack name it once."""
    title = export.attack_title(cell["attack"], cell["note"], cell["steps"])
    name = element("span", cut(title, 90), class_="" if first else "again")
    known = pd.notna(cell["low"])
    return [
        name,
        level_title(cell["eps"], cell["norm"]) if cell["eps"] else "clean",
        number(cell["n"]),
        shown(cell["percent"]) or EMPTY,
        f"{cell['low']:.1f} to {cell['high']:.1f}" if known else EMPTY,
        _bar(cell["percent"], cell["low"], cell["high"]) if known else "",
        number(cell["seeds"]) if cell["eps"] else EMPTY,
        shown(cell["spread"]) or EMPTY,
    ]


def _bar(percent: float, low: float, high: float) -> Markup:
    """The accuracy as a bar of 100, its interval as a line."""
    parts = [
        element("rect", x=0.0, y=3.0, width=100.0, height=6.0, class_="back"),
        element("rect", x=0.0, y=3.0, width=float(percent), height=6.0, class_="bar"),
        element("line", x1=float(low), y1=6.0, x2=float(high), y2=6.0, class_="range"),
    ]
    return element("svg", parts, viewBox="0 0 100 12", class_="bar", aria_hidden="true")


def _charts(accuracies: pd.DataFrame) -> list[Markup]:
    """Accuracy against the level, where there is more than one, a chart a norm."""
    parts = [part for _, part in groups(accuracies, ["norm"], sort=False)]
    return [charts.accuracy_levels(part) for part in parts if part["eps"].nunique() > 2]
