"""An accuracy table as a paper prints it: defenses by name, no run ids, and all in which the rows
agree in the caption."""

from typing import Any, NamedTuple

import pandas as pd

from smd import registry
from smd.export.bold import BOLD
from smd.export.latex import to_latex
from smd.export.tables import SEEDS

CONSTANT = ("source", "data", "attack", "n", SEEDS)  # columns that the caption can tell
INTERVALS = "In brackets the 95 % interval for n images."


class What(NamedTuple):
    """What a table is of."""

    data: str  # as in the column data (export.CELLS); "": several
    attack: str  # its title, with its settings
    split: str
    levels: tuple[str, ...]  # as they are shown, such as "8/255"
    norm: str = "Linf"
    measure: str = "accuracy"  # in the cells
    interval: str = INTERVALS  # what the brackets hold


def paper_latex(table: pd.DataFrame, bold: pd.DataFrame, what: What) -> str:
    """LaTeX of an accuracy table (smd.export.tables) with caption and label.

    Rows are told by their defense, several of one by numbers; a column in which they agree goes
    into the caption. bold: booleans of the table's shape (export.best).
    """
    agreed = {
        name: table[name].iloc[0]
        for name in CONSTANT
        if name in table and table[name].nunique(dropna=False) == 1
    }
    kept = [name for name in table.columns if name not in (*agreed, "run")]
    shown = table[kept].assign(defense=_told_apart(table["defense"]))
    written = shown.select_dtypes(exclude="number").astype(str)
    intervals = written.apply(lambda texts: texts.str.contains("–", regex=False)).any().any()
    note = " ".join([what.interval] * bool(intervals) + [BOLD] * bool(bold.to_numpy().any()))
    if table.get("data", pd.Series(dtype=str)).nunique() > 1:  # the column tells them
        what = what._replace(data="")
    return to_latex(shown, bold[kept], _caption(what, agreed), note, _label(what))


def _told_apart(defenses: "pd.Series[str]") -> "pd.Series[str]":
    """Rows of the same defense get numbers: "SMD (1)", "SMD (2)"."""
    twice = defenses.duplicated(keep=False)
    number = (defenses.groupby(defenses).cumcount() + 1).astype(str)
    return defenses.where(~twice, defenses + " (" + number + ")")


def _caption(what: What, agreed: dict[str, Any]) -> str:
    entry = registry.DATASETS.get(what.data)
    title = entry.title if entry and what.data != "folder" else f"own images, {what.data}"
    of = f" ({title})" if what.data else ""
    n = f"{agreed['n']:,} " if agreed.get("n") else ""
    seeds = int(agreed.get(SEEDS) or 1)
    mean = f", mean over {seeds} attack seeds" if seeds > 1 else ""
    norm = "L2" if what.norm == "L2" else "L∞"
    under = f"under {what.attack} at ε = {', '.join(what.levels)} ({norm})"
    return (
        f"{what.measure.capitalize()} in % on {n}{what.split} images{of}, clean and {under}{mean}"
    )


def _label(what: What) -> str:
    other = what.measure if what.measure != "accuracy" else ""
    words = f"{what.data} {other} {what.attack} {what.norm}".lower()
    return "tab:" + "-".join("".join(c if c.isalnum() else " " for c in words).split())
