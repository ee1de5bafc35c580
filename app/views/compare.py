"""Compare: all runs in one table, what they differ in, and their curves in one chart."""

import streamlit as st

from smd.runs import folders

from ..components import layout, states
from ..sections import run_clinical, run_curves, run_robustness, run_table

AT_FIRST = 4  # runs that are drawn as long as none is ticked


def page() -> None:
    """The table of all runs, and what is drawn of the ticked ones."""
    everything = folders.all_runs()
    if not everything:
        states.nothing_yet()
    table = run_table.listed(everything)
    if not table:
        st.info(
            "No run has these tags, or all are hidden: change the filters.",
            icon=":material/filter_alt_off:",
        )
        return
    ticked = run_table.ticked_in_link(everything)
    run_table.section(table, ticked)
    known = [run for run, _ in table]
    shown = [run for run in known if run.id in ticked] or known[:AT_FIRST]
    readable = [run for run in shown if states.readable(run)]
    grid = layout.pair()
    with grid.cell():
        run_curves.overlaid(readable)
    with grid.cell():
        run_curves.differing(readable)
    run_robustness.section(readable)
    run_clinical.section(readable)
