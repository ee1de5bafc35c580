"""The confusion matrix of a run, clean or under its strongest attack; a cell opens its images."""

from functools import partial

import pandas as pd
import streamlit as st

from smd import export
from smd.store import reader
from smd.units import NOISE, epsilon

from .. import data
from ..charts import confusion as charts
from ..charts import files
from ..components import downloads, layout, run_names, tables
from ..components.plain import NO_CLASS, plain
from ..selection import filters, selected, state, verdicts
from ..selection.selected import Selection

HOW = "Click a cell to see its images below; they stay selected on every page."
COLUMNS = {
    "true": "true class",
    "predicted": "predicted class",
    "n": "images",
    "percent": st.column_config.NumberColumn("of the true class (%)", format="%.2f"),
}


def section(chosen: Selection) -> None:
    """The matrix of the selected split, all its attacked images; nothing before any attack."""
    norm = chosen.known.norm
    levels = {filters.CLEAN: 0.0, **chosen.known.levels}
    clean = data.read(reader.predicted_classes, chosen.run.store, chosen.split, 0.0)
    if clean.empty:
        return
    name = plain(run_names.shown(chosen.run.id))
    st.header(f"What {name} takes {chosen.images} for")
    level = st.segmented_control(
        f"Noise level {epsilon(norm)}",
        list(levels),
        default=list(levels)[-1],
        required=True,
        key="confusion",
        bind="query-params",
        help=NOISE[norm],
    )
    eps = levels.get(level, 0.0)
    settings, rows = verdicts.strongest(
        data.read(reader.predicted_classes, chosen.run.store, chosen.split, eps, norm)
    )
    attack = export.attack_title(settings.name, settings.note, settings.steps)
    under = f"under {attack} at {level}" if eps else "without noise"
    _matrix(chosen, counted(rows, chosen.known.classes), f"{settings.n:,} images {under}", eps)


def _matrix(chosen: Selection, cells: pd.DataFrame, what: str, eps: float) -> None:
    st.caption(f"{what}: {plain(said(cells))} {HOW}")
    taken = cells[["true", "predicted", "n", "percent"]].round({"percent": 2})
    many = len(chosen.known.classes) > charts.NUMBERED  # their names need the whole page
    grid = layout.pair()
    with st.container() if many else grid.cell():
        st.altair_chart(
            charts.matrix(cells, chosen.known.classes, st.context.theme.type == "dark"),
            key=state.brush_key("confusion"),
            on_select=partial(_open, chosen, eps),
            alt=f"Confusion matrix of {what}. {said(cells)}",
        )
    with st.container() if many else grid.cell():
        frequent = taken.sort_values("n", ascending=False, kind="stable")
        tables.show(frequent, key="confusion-table", alt=said(cells), column_config=COLUMNS)
    name = f"{run_names.link(chosen.run.id)}-confusion"
    onto_paper = charts.matrix(cells, chosen.known.classes)
    downloads.of_table(taken, name, chart=onto_paper, inches=files.PAGE)


def counted(rows: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """A row for each pair of classes that has an image: label, pred, true, predicted, n, percent of
    the true class's images. rows: of one attack, as from reader.predicted_classes."""
    names = dict(enumerate(classes))
    cells = rows.groupby(["label", "pred"]).size().rename("n").reset_index()

    def named(label: int) -> str:
        return names.get(label, NO_CLASS if label < 0 else f"class {label}")

    totals = cells.groupby("label")["n"].transform("sum")
    return cells.assign(
        true=cells["label"].map(
            lambda label: names.get(label, NO_CLASS if label < 0 else f"class {label}")
        ),
        predicted=cells["pred"].map(named),
        percent=100 * cells["n"] / totals,
    )


def said(cells: pd.DataFrame) -> str:
    """The most frequent confusion in a sentence."""
    wrong = cells[cells["label"] != cells["pred"]]
    if wrong.empty:
        return "All are classified correctly."
    most = wrong.sort_values("n", kind="stable").iloc[-1]
    return (
        f"{int(wrong['n'].sum()):,} are misclassified, {most['n']:,} of them '{most['true']}' taken"
        f" for '{most['predicted']}'."
    )


def _open(chosen: Selection, eps: float) -> None:
    """For callbacks: a cell was clicked; a click beside the cells drops that."""
    event = st.session_state[state.brush_key("confusion")].selection.get(charts.CELL) or []
    if not event:
        selected.change(chosen, labels=(), find="", taken_for=())
        return
    label, pred = int(event[0]["label"]), int(event[0]["pred"])
    wrong = {"find": "misclassified", "taken_for": (pred,)}
    asked = {"find": "correct", "taken_for": ()} if label == pred else wrong
    selected.change(chosen, labels=(label,), span=None, region=None, eps=eps, **asked)
