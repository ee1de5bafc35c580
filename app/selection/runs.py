"""Which runs Attacks puts side by side: those that are alike, as long as nobody chooses others."""

import streamlit as st

from smd.runs.folders import Run

from ..components import going_back, run_names

AT_FIRST = 6
Runs = dict[str, Run]


def choose(ready: Runs) -> list[Run]:
    """The chosen runs, kept in the address; ready: trained runs by their ids, the newest first."""
    _follow(offered := _alike(ready))
    begin = going_back.begin("runs", offered)
    picked = st.multiselect(
        "Runs",
        list(ready),
        default=begin,
        key="runs",
        bind="query-params",
        format_func=run_names.name,
    )
    return [ready[i] for i in picked if i in ready]


def _alike(ready: Runs) -> list[str]:
    """The newest runs on the data set of the newest one."""
    newest = next(iter(ready.values()))
    return [i for i, run in ready.items() if run.config.data == newest.config.data][:AT_FIRST]


def _follow(offered: list[str]) -> None:
    """A list that nobody has changed takes in a run that has finished; what was chosen by hand
    stays."""
    before = st.session_state.get("runs-offered")
    if before is None:
        untouched = "runs" not in st.session_state and "runs" not in st.query_params
    else:
        untouched = st.session_state.get("runs") == before != offered
    if untouched:
        st.session_state["runs"] = offered
    st.session_state["runs-offered"] = offered
