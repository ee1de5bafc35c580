"""Figures: the paper's, filled from one's own runs, to be taken away at paper size."""

from functools import partial
from pathlib import Path
from typing import get_args

import streamlit as st

from smd import registry
from smd.errors import UserError
from smd.runs import folders
from smd.runs.folders import Run

from ..charts import files
from ..charts.files import Form
from ..charts.paper import runs as figure_runs
from ..charts.paper import table
from ..charts.paper.figure import Figure, Kind
from ..components import downloads, layout, linked_runs, offers, states
from ..components.plain import plain


def known_data(run: Run) -> str:
    """The run's data set, own images by their path; "" if this version cannot read the run."""
    try:
        return run.config.data_path or run.config.data
    except UserError:
        return ""


def by_data_set(runs: list[Run]) -> dict[str, list[Run]]:
    """The runs of each data set, the newest first; sets that have a trained network come first."""
    by_data: dict[str, list[Run]] = {}
    for run in runs:
        if name := known_data(run):
            by_data.setdefault(name, []).append(run)
    return dict(sorted(by_data.items(), key=lambda pair: not any(run.trained for run in pair[1])))


def choose(kind: Kind, here: list[Run]) -> list[str]:
    """The ids of the runs that a figure shall show, kept in the address."""
    ids = [run.id for run in figure_runs.candidates(here, kind.defense)]
    if len(ids) < 2:
        return ids
    usual = [run.id for run in figure_runs.usual(kind, here)]
    key = f"of-{kind.name}"
    if kind.defense:
        return [linked_runs.one("Run", ids, key, usual[0]) or usual[0]]
    return linked_runs.several("Runs", ids, key, usual)


def drawn(figure: Figure, data_set: str) -> None:
    """The figure with its caption, warnings and files, which are named by the data set."""
    beside = st.grid(columns=len(figure.panels), min_column_width=190, gap="small")
    for k, panel in enumerate(figure.panels):
        with beside.cell():
            st.altair_chart(
                panel,
                key=f"{figure.name}-{k}",
                width="stretch",
                alt=f"{figure.title}: {figure.about}",
            )
    st.caption(plain(figure.about))
    if figure.warning:
        st.warning(plain(figure.warning), icon=":material/warning:")
    with st.container(horizontal=True, gap="small"):
        for form in get_args(Form):
            make = partial(files.as_file, figure, form)
            title, mime = downloads.FORMS[form]
            downloads.one(title, f"{Path(data_set).name}-{figure.name}.{form}", mime, make)


def choose_data_set(names: list[str]) -> str:
    """One of the data sets, own images by their path; kept in the address."""
    titles = {
        name: registry.DATASETS[name].title if name in registry.DATASETS else Path(name).name
        for name in names
    }
    chosen = st.selectbox(
        "Data set",
        names,
        format_func=titles.__getitem__,
        key="figures-data",
        bind="query-params",
    )
    return chosen or names[0]


def fills(figure: Figure, offered: list[object]) -> None:
    """What would fill an empty figure; offered: what figures before it need, this one's is added.

    One training fills several figures.
    """
    st.caption(plain(figure.about))
    if figure.missing in offered:
        st.caption("What is offered above fills this one, too.")
        return
    assert figure.missing is not None
    offers.offer(figure.name, figure.missing, *figure.targets)
    offered.append(figure.missing)


def all_figures(data_set: str, runs: list[Run]) -> list[Run]:
    """Every figure, two in a row; returns the runs of Figs. 5 to 8, which stand side by side in the
    paper."""
    offered: list[object] = []
    of_networks: list[Run] = []
    grid = layout.pair()
    for kind in table.FIGURES:
        with grid.cell():
            st.header(kind.title)
            figure = table.figure(kind, runs, {kind.name: choose(kind, runs)})
            if figure.panels:
                drawn(figure, data_set)
                of_networks += figure.runs if kind.defense else ()
            elif figure.missing:
                fills(figure, offered)
    return of_networks


def page() -> None:
    """All figures of one data set."""
    everything = folders.all_runs()
    if not everything:
        states.nothing_yet()
    by_data = by_data_set(everything)
    if not by_data:
        st.error(
            "No run can be read by this version: update to work with them.", icon=":material/error:"
        )
        return
    st.caption(
        f"SVG, PDF and PNG are {files.INCHES:g} inches ({25.4 * files.INCHES:.1f} mm) wide with"
        f" axes and legend: a column of a two-column page. PNGs have {files.PPI} pixels an inch."
    )
    shown = choose_data_set(list(by_data))
    top = st.container()
    of_networks = all_figures(shown, by_data[shown])
    if unlike := figure_runs.differing(list(dict.fromkeys(of_networks))):
        words = plain("; ".join(unlike))
        top.warning(
            f"The runs of Figs. 5 to 8 differ in more than their defense: {words}.",
            icon=":material/warning:",
        )
