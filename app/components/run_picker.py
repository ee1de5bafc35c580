"""The run that pages of a run show: chosen in the sidebar, named by the address."""

import streamlit as st

from smd.runs import folders, notes
from smd.runs.folders import Run

from . import going_back, linked_runs, states


def show() -> None:
    """The list of runs in the sidebar, pinned ones first; the choice is kept in the address."""
    everything = folders.all_runs()
    if not everything:
        return
    ids = [run.id for run in everything]
    linked = linked_runs.linked("run", ids)
    if st.session_state.get("run") not in ids or (linked and going_back.went_back()):
        shown = [run.id for run, _ in notes.listed(everything)] or ids
        st.session_state["run"] = (linked or shown)[0]
    known = [run.id for run, _ in notes.listed(everything, keep=st.session_state["run"])]
    linked_runs.one("Run", known, "run", known[0])
    chosen = next((run for run in everything if run.id == st.session_state["run"]), None)
    if chosen:
        states.badge(chosen.status)


def picked() -> Run:
    """The chosen run; ends the page with an invitation where there is none."""
    chosen = st.session_state.get("run")
    known = {run.id: run for run in folders.all_runs()}
    if not known:
        states.nothing_yet()
    if chosen not in known:
        st.info("Choose a run in the sidebar.", icon=":material/arrow_back:")
        st.stop()
    return known[chosen]
