"""The form that starts an estimation of margins, and the estimations that are under way."""

import data
import job_rows
import streamlit as st
import ui

from smd import commands, registry, runs
from smd.config import MarginsConfig
from smd.errors import UserError
from smd.jobs import launch
from smd.runs import Run
from smd.store import reader
from smd.units import parse_levels

FIRST = "min-norm"  # needs no noise level, and overestimates least
IMAGES = 200


def form(run: Run) -> None:
    """Choose how to estimate the margins of this run's network, see the command, start it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = list(registry.ESTIMATORS)
        method = st.selectbox(
            "Method", names, names.index(FIRST), key="method", width=220,
            format_func=lambda n: registry.ESTIMATORS[n].title,
        )  # fmt: skip
        levels = ""
        if registry.range_of(method):
            levels = st.text_input(
                "Noise levels", "8/255,16/255", key="margin-levels", width=180,
                help="How far it looks, like 8/255,16/255: one estimation each.",
            )  # fmt: skip
        split = st.segmented_control("Images of", ("test", "train"), default="test", required=True, key="margin-split")
        most = len(data.read(reader.samples, run.store, split)) or None
        n = st.number_input(
            "Images", 1, most, min(IMAGES, most or IMAGES), key=f"margin-n-{run.id}-{split}", width=140,
            help="Spread evenly over the split.",
        )  # fmt: skip
    try:
        asked = MarginsConfig(run.id, method=method, levels=parse_levels(levels), split=split, n=int(n))
    except UserError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.caption(f"{registry.ESTIMATORS[method].source}.")
    st.code(commands.margins_command(asked), language="bash", wrap_lines=True)
    start = st.button("Estimate margins", type="primary", icon=":material/straighten:", key="start-margins")
    if start and ui.attempt(_queue, run, asked):
        st.rerun()


def _queue(run: Run, asked: MarginsConfig) -> None:
    launch.submit(runs.create_margins(run, asked))


def under_way(run: Run) -> None:
    """The run's estimations that are not over, or ended before their end."""
    job_rows.under_way(run, runs.estimations, "Estimation of margins")
