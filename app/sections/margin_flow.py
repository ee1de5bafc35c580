"""Margin flow: how each image's margin has changed between two epochs of a run, or between two
runs."""

import pandas as pd
import streamlit as st

from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader

from .. import data
from ..charts import margins as margin_charts
from ..components import downloads, gallery, layout, linked_runs, run_names, standing
from ..components.plain import plain
from ..selection import changes, filters, panel, sources, state
from ..selection.selected import Selection
from . import class_margins, margin_pairs

FEW = 24  # images named on either side

# of a config: what tells the training images of a run
IMAGES = (
    *("data", "data_path", "skip_broken", "volumes", "labels", "columns"),
    *("folds", "fold"),
)


def section(chosen: Selection) -> None:
    """Choose what to compare with, and see who has grown and who has shrunk."""
    run = chosen.run
    other = choose_other(run)
    if other:
        flow = margin_pairs.between_runs(other, run)
        first, second = run_names.shown(other.id), run_names.shown(run.id)
        names = f"margin in {first}", f"margin in {second}"
        st.header(f"From {plain(first)} to {plain(second)}, both after their last epoch")
    else:
        start, end = choose_epochs(chosen)
        if start == end:
            standing.show(run.status, "Flow appears", "two epochs are done")
            return
        flow = margin_pairs.between_epochs(run, start, end)
        names = f"margin after epoch {start}", f"margin after epoch {end}"
        st.header(f"From epoch {start} to epoch {end}")
    st.caption(margin_pairs.left_out(flow))
    if len(flow.rows):
        show(run, flow.rows, names)
        return
    why = (
        "No image can be compared."
        if sum(flow.wrong) or flow.undrawn
        else "The two runs share no training image."
    )
    st.info(why, icon=":material/info:")


def choose_other(run: Run) -> Run | None:
    """Another run with margins of its own, on the same images."""
    alike = {r.id: r for r in folders.all_runs() if r.id != run.id and _alike(r, run)}
    if not alike:
        return None
    chosen = linked_runs.one(
        "From",
        list(alike),
        "flow-from",
        None,
        width=320,
        placeholder="an epoch of this run",
        help="Or another run on the same images, after its last epoch.",
    )
    return alike.get(chosen) if chosen else None


def _alike(one: Run, two: Run) -> bool:
    kept = [source for source in sources.of_another(one) if not source.estimate]
    same = all(getattr(one.config, name) == getattr(two.config, name) for name in IMAGES)
    return bool(kept) and same


def choose_epochs(chosen: Selection) -> tuple[int, int]:
    """Two epochs; the slider is the one that the selection's questions about change have."""
    kept = chosen.known.epochs
    if len(kept) < 2 or filters.asks_epochs(state.read()["find"]):  # in the bar
        return chosen.known.between(chosen.filters.between)
    return panel.between(chosen.known, {})


def show(run: Run, rows: pd.DataFrame, names: tuple[str, str]) -> None:
    """The flow of all images, then class by class, then image by image."""
    rows = changes.changed(rows).assign(margin_255=255 * rows["after"])
    rows = class_margins.named(rows, data.value(reader.class_names, run.store))
    grown, shrunk = (changes.moved(rows, sign) for sign in (1, -1))
    figures = cards(rows, len(grown), len(shrunk))
    layout.cards(figures)
    (_, grew, _), (_, shrank, _), (_, median, _) = figures
    finding = (
        f"{grew} of {len(rows):,} margins grew, {shrank} shrank, the median changed by {median}"
    )
    grid = layout.pair()
    with grid.cell():
        st.markdown("**All compared images: above the dashed line the margin grew**")
        st.altair_chart(
            margin_charts.flow(margin_pairs.cells(rows), *names), key="flow", alt=f"{finding}."
        )
    with grid.cell():
        by_class(run, margin_pairs.per_class(rows))
    biggest(run, "growers", grown, "grew")
    biggest(run, "shrinkers", shrunk, "shrank")


def cards(rows: pd.DataFrame, grown: int, shrunk: int) -> list[tuple[str, str, str]]:
    """How many margins grew and shrank, and the median change: label, value, what it means."""
    n, median = len(rows), float(rows["change_255"].median())
    of = f"of the {n:,} compared images have a"
    return [
        (f"grew, of {n:,}", f"{100 * grown / n:.1f} %", f"{grown:,} {of} larger margin."),
        (f"shrank, of {n:,}", f"{100 * shrunk / n:.1f} %", f"{shrunk:,} {of} smaller one."),
        (
            f"median change of {n:,}",
            f"{median:+.1f}/255",
            "Half of the compared images gained more than this.",
        ),
    ]


def by_class(run: Run, summary: pd.DataFrame) -> None:
    """The changes class by class; summary: as from `per_class`."""
    st.markdown("**Class by class: median and middle half of the changes**")
    most = summary.iloc[0]
    chart = margin_charts.changes(summary, list(summary["class"]))
    st.altair_chart(
        chart,
        key="changes",
        alt=f"{most['class']} lost most or gained least: {most['q50']:+.1f}/255 in the median.",
    )
    downloads.of_table(summary, f"{run_names.link(run.id)}-flow-classes", chart=chart)


def biggest(run: Run, who: str, rows: pd.DataFrame, did: str) -> None:
    """The images at one end; rows: only those whose margin did so, the first ones first."""
    st.header(f"Biggest {who}")
    if len(rows) > FEW:
        st.caption(f"{FEW} of the {len(rows):,} images whose margin {did}.")
    gallery.show(run, rows.head(FEW), "train", who, f"No compared image has a margin that {did}.")
