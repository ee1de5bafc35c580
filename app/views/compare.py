"""Compare: all runs in one table, what they differ in, and their curves in one chart."""

from collections.abc import Sequence

import streamlit as st

from smd.runs import folders
from smd.runs.folders import Run

from .. import data
from ..components import layout, run_names, states
from ..components.plain import plain
from ..sections import (
    run_clinical,
    run_curves,
    run_listing,
    run_parallel,
    run_robustness,
    run_table,
)

KEPT = 8  # runs whose stores stay open meanwhile
AT_FIRST = 4  # runs that are drawn as long as none is ticked


def page() -> None:
    """The table of all runs, and what is drawn of the ticked ones."""
    everything = folders.all_runs()
    if not everything:
        states.nothing_yet()
    run_table.open_wished()
    table = run_listing.listed(everything)
    if not table:
        st.info(
            "No run has these tags and words, or all are hidden: change the filters.",
            icon=":material/filter_alt_off:",
        )
        return
    ticked = run_table.ticked_in_link(everything)
    run_table.section(table, ticked)
    known = [run for run, _ in table]
    shown = [run for run in known if run.id in ticked] or known[:AT_FIRST]
    readable = [run for run in shown if states.readable(run)]
    if told := part(shown, readable, known, bool(ticked)):
        st.caption(plain(told))
    with data.kept(*readable[:KEPT]):
        drawn(readable, readable if ticked else [r for r in known if states.readable(r)])


def drawn(chosen: list[Run], swept: list[Run]) -> None:
    """The charts and tables of some runs; parallel coordinates may be of more."""
    grid = layout.pair()
    with grid.cell():
        run_curves.overlaid(chosen)
    with grid.cell():
        run_curves.differing(chosen)
    run_parallel.section(swept)
    run_robustness.section(chosen)
    run_clinical.section(chosen)


def part(shown: Sequence[Run], readable: Sequence[Run], known: Sequence[Run], ticked: bool) -> str:
    """A sentence where only some runs are drawn below, and why; "" where all are."""
    broken = [run_names.shown(run.id) for run in shown if run not in readable]
    said = []
    if not ticked and len(known) > AT_FIRST:
        said.append(f"Below are the first {AT_FIRST} of {len(known):,} runs, as none is ticked")
    if broken:
        said.append(f"Not drawn, as this version cannot read them: {', '.join(broken)}")
    return f"{'; '.join(said)}." if said else ""
