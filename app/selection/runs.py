"""Which runs Attacks puts side by side: the sidebar's and its baseline, as long as nobody chooses
others."""

import streamlit as st

from smd.runs.folders import Run

from ..components import linked_runs
from . import baseline

Runs = dict[str, Run]


def choose(ready: Runs, run: Run) -> list[Run]:
    """The chosen runs, kept in the address; ready: trained runs by their ids, the newest first.

    run: the one in the sidebar.
    """
    _follow(offered := _pair(ready, run))
    return [ready[i] for i in linked_runs.several("Runs", list(ready), "runs", offered)]


def _pair(ready: Runs, run: Run) -> list[str]:
    """The run, or the newest one where it has no network, and its baseline if there is one: a click
    attacks what is chosen."""
    first = ready.get(run.id) or next(iter(ready.values()))
    other = baseline.of(first, list(ready.values()))
    return [first.id, other.id] if other else [first.id]


def _follow(offered: list[str]) -> None:
    """A list that nobody has changed goes with the sidebar; what was chosen by hand stays."""
    before = st.session_state.get("runs-offered")
    if before is None:
        untouched = "runs" not in st.session_state and "runs" not in st.query_params
    else:
        untouched = st.session_state.get("runs") == before != offered
    if untouched:
        st.session_state["runs"] = offered
    st.session_state["runs-offered"] = offered
