"""Jobs on a trained network that are under way or ended before their end: progress, cancel, resume, put away."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st
import ui

from smd import jobs, runs
from smd.jobs import Status, launch
from smd.progress import duration
from smd.runs import Run

Folders = Callable[[Run], list[Path]]


def busy(run: Run, folders: Folders) -> bool:
    """Whether one of these jobs of the run waits or works."""
    return any(jobs.read(folder).state in ("queued", "running") for folder in folders(run))


def under_way(run: Run, folders: Folders, noun: str) -> None:
    """The run's jobs of a kind that are not over, or failed; the page follows while one is busy.

    folders: lists them, such as runs.estimations; noun: what they are called, such as "Estimation of margins".
    """
    now = busy(run, folders)
    st.fragment(_under_way, run_every="2s" if now else None)(run, folders, noun, now)


def _under_way(run: Run, folders: Folders, noun: str, before: bool) -> None:
    for folder in folders(run):
        status = jobs.read(folder)
        if status.state in ("queued", "running"):
            _active(folder, status)
        elif status.state != "finished":
            _ended(folder, status, noun)
    if before and not busy(run, folders):
        st.rerun()  # with what was found, and without the timer


def _active(folder: Path, status: Status) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        ui.badge(status)
        left = f", {duration(status.eta)} left" if status.eta >= 0 else ""
        text = f"{status.stage or 'waiting for its turn'}{left}"
        st.progress(min(status.batch / max(status.batches, 1), 1.0), text=text)
        if st.button("Cancel", key=f"cancel-{folder.name}", type="tertiary", icon=":material/block:"):
            ui.attempt(launch.cancel, folder)


def _ended(folder: Path, status: Status, noun: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        ui.badge(status)
        st.markdown(f"{noun}. {status.error}")
        resume = st.button("Resume", key=f"resume-{folder.name}", icon=":material/resume:")
        away = st.button("Put away", key=f"dismiss-{folder.name}", type="tertiary")
    if (resume and ui.attempt(launch.resume, folder)) or (away and ui.attempt(runs.dismiss, folder)):
        st.rerun()
