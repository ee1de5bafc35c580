"""Keeping pages true while jobs go on, also those of other tabs.

A cheap look every few seconds at how all jobs stand.

When one stands otherwise the page is drawn anew, and what has ended is said in a short notice.
"""

from pathlib import Path

import streamlit as st

from smd import jobs
from smd.jobs import State, Status, kinds
from smd.runs import folders
from smd.runs.folders import Run

from . import run_names
from .plain import plain

ICONS = {"finished": ":material/check:", "cancelled": ":material/block:"}
OTHER = ":material/error:"
EVERY = "3s"
Jobs = dict[str, State]  # by their folders


def watch() -> None:
    """Call it once in every run of the script; what the page shows is as it stands now."""
    now = standing()
    for path, state in st.session_state.get("jobs-shown", {}).items():
        if state in ("queued", "running") and now.get(path, state) not in ("queued", "running"):
            run, folder = run_names.run_of(Path(path)), Path(path)
            st.toast(
                words(run, jobs.read(folder)), icon=ICONS.get(now[path], OTHER), duration="long"
            )
    st.session_state["jobs-shown"] = now
    st.fragment(_look, run_every=EVERY)()


def offer() -> None:
    """A button by which the browser is asked to show these notices while the page is not seen;
    static/page.js asks and shows, as only a click may."""
    st.button(
        "Notify me",
        icon=":material/notifications:",
        key="desktop-notifications",
        help="A notification of your desktop when a job ends while this page is in the background:"
        " your browser asks whether it may. It needs localhost or https.",
    )


def _look() -> None:
    if standing() != st.session_state["jobs-shown"]:
        st.rerun()


def standing() -> Jobs:
    """How every job stands. A status is read only if its file has changed, or if its process may
    have vanished."""
    return {
        str(folder): _state(folder)
        for run in folders.all_runs()
        for folder in (run.folder, *folders.jobs_of(run))
    }


# by folder: when its status was written, and what it was
_known: dict[Path, tuple[int, State]] = {}


def _state(folder: Path) -> State:
    try:
        written = (folder / "status.json").stat().st_mtime_ns
    except OSError:
        written = 0
    before = _known.get(folder)
    if before is None or before[0] != written or before[1] in ("running", "lost") or not written:
        _known[folder] = before = (written, jobs.read(folder).state)
    return before[1]


def words(run: Run, status: Status) -> str:
    """What has ended, and how: "SMD · digits · 12:30 · 0a1b: attack finished."."""
    what = "" if status.kind == "train" else f" {kinds.KINDS[status.kind].noun}"
    why = f": {plain(status.error)}" if status.error else "."
    return f"**{plain(run_names.label(run))}**:{what} {status.state}{why}"
