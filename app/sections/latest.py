"""The newest finished run on Train, in one line, with what people open the dashboard for."""

import streamlit as st

from smd.runs import folders
from smd.runs.folders import Run
from smd.units import level_title

from .. import pages
from ..components import run_names, states
from ..components.plain import plain
from . import next_steps, result, welcome


def section() -> None:
    """Nothing before a run is finished."""
    run = newest()
    if run is None:
        return
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(run_names.label(run))}**", width="content")
            welcome.badge(run.id)
            st.caption(words(run), width="content")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                pages.link("live"),
                label="Result",
                icon=":material/monitoring:",
                query_params={"run": run_names.link(run.id)},
            )
            next_steps.fragile(run)
            next_steps.take_report(run)


def newest() -> Run | None:
    """The newest run that is finished and can be read."""
    return next(
        (
            run
            for run in folders.all_runs()
            if run.trained and run.status.state == "finished" and states.readable(run)
        ),
        None,
    )


def words(run: Run) -> str:
    """Its accuracies, each with what it rests on."""
    found = result.of(run)
    if found is None:
        return "Not attacked yet."
    clean, robust = (f"{100 * share:.2f} %" for share in (found.clean, found.robust))
    level = level_title(found.eps, found.norm)
    return (
        f"clean {clean} ({result.sure(found.clean, found.n)}); robust at {level} {robust}"
        f" ({result.sure(found.robust, found.n)}; {plain(found.attack)})"
    )
