"""Jobs on a trained network that are under way or ended before their end.

Progress, cancel, resume, put away.
"""

from pathlib import Path

import streamlit as st

from smd import jobs
from smd.jobs import Status, kinds
from smd.runs import folders
from smd.runs.folders import Run
from smd.runs.job_titles import job_title
from smd.terminal.progress import duration

from .. import actions
from . import states
from .plain import plain


def key(act: str, folder: Path) -> str:
    """The key of a job's button: a copied run has jobs of the same ids, so the run belongs to
    it."""
    run = folder.parent.parent.name if kinds.of_folder(folder).folder else ""
    return "-".join(part for part in (act, run, folder.name) if part)


def busy(run: Run, kind: str) -> bool:
    """Whether one of these jobs of the run waits or works."""
    return any(
        jobs.read(folder).state in ("queued", "running") for folder in folders.jobs_of(run, kind)
    )


def under_way(run: Run, kind: str) -> None:
    """The run's jobs of a kind that are not over, or failed; the page follows while one is busy.

    kind: its name in smd.jobs.kinds.
    """
    now = busy(run, kind)
    st.fragment(_under_way, run_every="2s" if now else None)(run, kind, now)


def _under_way(run: Run, kind: str, before: bool) -> None:
    for folder in folders.jobs_of(run, kind):
        row(folder, jobs.read(folder))
    if before and not busy(run, kind):
        st.rerun()  # with what was found, and without the timer


def row(folder: Path, status: Status, of: str = "") -> None:
    """One job, unless it has finished; of: the run's name, where jobs of several runs are
    listed."""
    if status.state in ("queued", "running"):
        _active(folder, status, of)
    elif status.state != "finished":
        _ended(folder, status, of)


def title(folder: Path, of: str = "") -> str:
    """What the job does, with its short id: two that do the same still differ."""
    return f"{plain(of)}: " * bool(of) + f"{plain(job_title(folder))} · {folder.name[-4:]}"


def _active(folder: Path, status: Status, of: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        states.badge(status)
        left = f", {duration(status.eta)} left" if status.eta >= 0 else ""
        text = f"{title(folder, of)}: {plain(status.stage) or 'waiting for its turn'}{left}"
        if where := jobs.elsewhere(status):
            text += f", {plain(where)}"
        st.progress(min(status.batch / max(status.batches, 1), 1.0), text=text)
        if actions.button(
            "Cancel", key=key("cancel", folder), type="tertiary", icon=":material/block:"
        ):
            states.attempt(actions.cancel, folder)


def _ended(folder: Path, status: Status, of: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        states.badge(status)
        st.markdown(f"{title(folder, of)}. {plain(status.error)}")
        resume = actions.button("Resume", key=key("resume", folder), icon=":material/resume:")
        away = actions.button("Put away", key=key("dismiss", folder), type="tertiary")
    if (resume and states.attempt(actions.resume, folder)) or (
        away and states.attempt(actions.dismiss, folder)
    ):
        st.rerun()
