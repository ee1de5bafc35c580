"""The form that starts an estimation of margins, and the estimations that are under way."""

from pathlib import Path

import data
import streamlit as st
import ui

from smd import commands, jobs, registry, runs
from smd.config import MarginsConfig
from smd.errors import UserError
from smd.jobs import Status, launch
from smd.progress import duration
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


def busy(run: Run) -> bool:
    """Whether an estimation on this run waits or works."""
    return any(jobs.read(folder).state in ("queued", "running") for folder in runs.estimations(run))


def under_way(run: Run) -> None:
    """The run's estimations that are not over, or ended before their end; the page follows while one is busy."""
    st.fragment(_under_way, run_every="2s" if busy(run) else None)(run, busy(run))


def _under_way(run: Run, before: bool) -> None:
    for folder in runs.estimations(run):
        status = jobs.read(folder)
        if status.state in ("queued", "running"):
            _active(folder, status)
        elif status.state != "finished":
            _ended(folder, status)
    if before and not busy(run):
        st.rerun()  # with what was found, and without the timer


def _active(folder: Path, status: Status) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        ui.badge(status)
        left = f", {duration(status.eta)} left" if status.eta >= 0 else ""
        text = f"{status.stage or 'waiting for its turn'}{left}"
        st.progress(min(status.batch / max(status.batches, 1), 1.0), text=text)
        if st.button("Cancel", key=f"cancel-{folder.name}", type="tertiary", icon=":material/block:"):
            ui.attempt(launch.cancel, folder)


def _ended(folder: Path, status: Status) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        ui.badge(status)
        st.markdown(f"Estimation of margins. {status.error}")
        resume = st.button("Resume", key=f"resume-{folder.name}", icon=":material/resume:")
        away = st.button("Put away", key=f"dismiss-{folder.name}", type="tertiary")
    if (resume and ui.attempt(launch.resume, folder)) or (away and ui.attempt(runs.dismiss, folder)):
        st.rerun()
