"""Figures: the paper's, filled from one's own runs, to be taken away at paper size."""

from functools import partial
from pathlib import Path
from typing import get_args

import paper_figures
import streamlit as st
import ui
from paper_figures import Form

from smd import registry, runs
from smd.errors import UserError
from smd.runs import Run

NAMES: dict[Form, str] = {"svg": "SVG", "png": "PNG", "json": "Vega-Lite JSON"}
MIME: dict[Form, str] = {"svg": "image/svg+xml", "png": "image/png", "json": "application/json"}


def known_data(run: Run) -> str:
    """The run's data set, own images by their path; "" if this version cannot read the run."""
    try:
        return run.config.data_path or run.config.data
    except UserError:
        return ""


everything = runs.all_runs()
if not everything:
    ui.nothing_yet()
by_data: dict[str, list[Run]] = {}
for run in everything:
    if name := known_data(run):
        by_data.setdefault(name, []).append(run)
if not by_data:
    st.error("No run can be read by this version: update to work with them.", icon=":material/error:")
    st.stop()
st.caption("Each figure takes the newest finished run that fits. Files are as wide as a column of a two-column page.")
titles = {name: registry.DATASETS[name].title if name in registry.DATASETS else Path(name).name for name in by_data}
chosen = st.selectbox(
    "Data set", list(by_data), format_func=titles.__getitem__, key="figures-data", bind="query-params"
)
shown = chosen or next(iter(by_data))
grid = ui.pair()
for figure in paper_figures.of(by_data[shown]):
    with grid.cell():
        st.subheader(figure.title)
        if figure.chart is None:
            st.caption(f"{figure.about} From a terminal:")
            st.code(figure.missing, language="bash", wrap_lines=True)
            continue
        st.altair_chart(figure.chart, key=figure.name, width="content", alt=f"{figure.title}: {figure.about}")
        st.caption(figure.about)
        with st.container(horizontal=True, gap="small"):
            for form in get_args(Form):
                make = partial(paper_figures.as_file, figure, form)
                ui.download(NAMES[form], f"{Path(shown).name}-{figure.name}.{form}", MIME[form], make)
