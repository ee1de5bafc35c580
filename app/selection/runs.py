"""Which runs Attacks puts side by side: those on the images of the run in the sidebar, as long as
nobody chooses others."""

import streamlit as st

from smd.runs.folders import Run

from ..components import going_back, run_names

AT_FIRST = 6
Runs = dict[str, Run]


def choose(ready: Runs, run: Run) -> list[Run]:
    """The chosen runs, kept in the address; ready: trained runs by their ids, the newest first;
    run: the one in the sidebar."""
    _follow(offered := alike(ready, run))
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


def alike(ready: Runs, run: Run) -> list[str]:
    """The run in the sidebar and the newest others on its images, the newest first; of the newest
    run where that one is not ready."""
    run = run if run.id in ready else next(iter(ready.values()))
    same = [i for i, other in ready.items() if _images(other) == _images(run)]
    kept = {run.id, *[i for i in same if i != run.id][: AT_FIRST - 1]}
    return [i for i in same if i in kept]


def _images(run: Run) -> tuple[str, str]:
    return run.config.data, run.config.data_path


def _follow(offered: list[str]) -> None:
    """A list that nobody has changed takes in a run that has finished, and goes with the run in the
    sidebar; what was chosen by hand stays."""
    before = st.session_state.get("runs-offered")
    if before is None:
        untouched = "runs" not in st.session_state and "runs" not in st.query_params
    else:
        untouched = st.session_state.get("runs") == before != offered
    if untouched:
        st.session_state["runs"] = offered
    st.session_state["runs-offered"] = offered
