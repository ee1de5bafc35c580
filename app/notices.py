"""A short notice on whichever page is open when a job that was under way has ended."""

from pathlib import Path

import streamlit as st
import ui

from smd import jobs, runs
from smd.jobs import Status
from smd.runs import Run

ICONS = {"finished": ":material/check:", "cancelled": ":material/block:"}
OTHER = ":material/error:"


def watch() -> None:
    """Look now and then, as long as something is under way."""
    busy = bool(_under_way())
    st.fragment(_look, run_every="3s" if busy else None)()


def _under_way() -> dict[str, tuple[Run, Path]]:
    """Jobs that wait or work, by their folder."""
    found = {}
    for run in runs.all_runs():
        for folder in (run.folder, *runs.jobs_of(run)):
            if jobs.read(folder).state in ("queued", "running"):
                found[str(folder)] = (run, folder)
    return found


def _look() -> None:
    now = _under_way()
    before = st.session_state.get("under-way", {})
    for path, (run, folder) in before.items():
        if path not in now and folder.exists():
            status = jobs.read(folder)
            st.toast(words(run, status), icon=ICONS.get(status.state, OTHER), duration="long")
    st.session_state["under-way"] = now


def words(run: Run, status: Status) -> str:
    """What has ended, and how: "SMD · digits · 12:30 · 0a1b: attack finished."."""
    what = "" if status.kind == "train" else f" {jobs.NOUN[status.kind]}"
    why = f": {status.error}" if status.error else "."
    return f"**{ui.label(run)}**:{what} {status.state}{why}"
