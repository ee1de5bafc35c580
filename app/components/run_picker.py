"""The run that pages of a run show: chosen in the sidebar, named by the address."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from smd.runs import folders, notes
from smd.runs.folders import Run

from . import going_back, states
from .run_names import name


def redirect(page: StreamlitPage) -> None:
    """A link may name its run by the whole id: go on to the address that names it as the list does.

    Streamlit would take such a name out of the address, as the list does not have it.
    """
    linked = st.query_params.get("run")
    if (
        linked
        and "run" not in st.session_state
        and linked != name(linked)
        and linked in {run.id for run in folders.all_runs()}
    ):
        given = {key: st.query_params.get_all(key) for key in st.query_params}
        st.switch_page(page, query_params={**given, "run": name(linked)})


def show() -> None:
    """The list of runs in the sidebar, pinned ones first; the choice is kept in the address."""
    everything = folders.all_runs()
    if not everything:
        return
    ids = [run.id for run in everything]
    # No default of its own: the address must name the run even if it is the newest one.
    linked = [i for i in ids if st.query_params.get("run") in (i, name(i))]
    if st.session_state.get("run") not in ids or (linked and going_back.went_back()):
        shown = [run.id for run, _ in notes.listed(everything)] or ids
        st.session_state["run"] = (linked or shown)[0]
    known = [run.id for run, _ in notes.listed(everything, keep=st.session_state["run"])]
    begin = going_back.begin("run", known.index(st.session_state["run"]))
    st.selectbox("Run", known, index=begin, key="run", format_func=name, bind="query-params")
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
