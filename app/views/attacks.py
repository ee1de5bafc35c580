"""Attacks: attack trained networks at chosen noise levels and put the accuracies side by side."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from smd import export, jobs
from smd.jobs import Status
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader

from .. import data
from ..components import job_rows, run_names, standing, states
from ..components.plain import plain
from ..forms import attack as attack_form
from ..sections import accuracy_tables, clinical, confusion, ranking, selected_attacks
from ..selection import runs as several
from ..selection.selected import Selection

NO_WEIGHTS = "Attacks need trained weights, and no run has any that this version can read."
NONE_YET = "Nothing has been attacked yet: press Attack, or Preview for a quick look."
NAMED = 6  # runs without weights of which it is said why


def page(run: Run, selection: Selection) -> None:
    """What is under way, the chosen runs ranked and their accuracies, the form; and of the run in
    the sidebar its clinical numbers, what it confuses, what became of its selected images."""
    known = {other.id: other for other in folders.all_runs()}
    ready = {i: r for i, r in known.items() if r.trained and states.known(r)}
    if not ready:
        none_ready(list(known.values()))
        return
    chosen = could_be_read(several.choose(ready, run))
    if not chosen:
        st.info("Choose one run or more.", icon=":material/arrow_upward:")
        return
    watch(chosen)
    with data.kept(*chosen):
        accuracies(chosen, measured(chosen))
    st.header("Attack " + ("this run" if len(chosen) == 1 else f"these {len(chosen)} runs"))
    attack_form.form(chosen)
    if run.id in ready and states.readable(run):
        selected_attacks.section(selection)
        clinical.section(selection)
        confusion.section(selection)
        selected_attacks.images(selection)


def could_be_read(wanted: Sequence[Run]) -> list[Run]:
    """Those whose stores this version can read; the others are named."""
    chosen = [run for run in wanted if states.readable(run)]
    for run in wanted:
        if run not in chosen:
            st.warning(f"**{plain(run_names.shown(run.id))}** cannot be read and is left out.")
    return chosen


def none_ready(known: Sequence[Run]) -> None:
    """No run can be attacked: why not."""
    st.info(NO_WEIGHTS, icon=":material/bolt:")
    for other in known[:NAMED]:
        why = standing.words(other.status, "It can be attacked", "its training is over")
        said = plain(why if not other.trained else "it cannot be read.")
        st.markdown(f"**{plain(run_names.shown(other.id))}**: {said}")


def watch(chosen: Sequence[Run]) -> None:
    """The attacks that are under way; looked at every two seconds as long as there are any."""
    busy = any(status.state in ("queued", "running") for _, _, status in attack_jobs(chosen))
    st.fragment(under_way, run_every="2s" if busy else None)(chosen)


def under_way(chosen: Sequence[Run]) -> None:
    """A row for each attack; when one is over, the page is drawn anew with its results."""
    attacks = attack_jobs(chosen)
    busy = [job for job in attacks if job[2].state in ("queued", "running")]
    before = st.session_state.get("busy-attacks", 0)
    st.session_state["busy-attacks"] = len(busy)
    if len(busy) < before:
        st.rerun()
    for run, folder, status in attacks:
        job_rows.row(folder, status, run_names.shown(run.id))


def attack_jobs(chosen: Sequence[Run]) -> list[tuple[Run, Path, Status]]:
    """The attacks on the chosen runs: run, the job's folder, its status."""
    return [
        (run, folder, jobs.read(folder))
        for run in chosen
        for folder in folders.jobs_of(run, "attack")
    ]


def measured(chosen: Sequence[Run]) -> pd.DataFrame:
    """What was measured (export.CELLS), without attacks on training images that were asked for one
    by one."""
    tables = {
        run_names.shown(r.id): (r.config, data.read(reader.attack_table, r.store)) for r in chosen
    }
    cells = export.accuracy_cells(tables)
    return cells[cells["split"] != "train"]


def accuracies(chosen: Sequence[Run], cells: pd.DataFrame) -> None:
    """The ranking, then a table for each attack."""
    if cells.empty:
        st.info(NONE_YET, icon=":material/bolt:")
    else:
        ranking.section(chosen)
        accuracy_tables.section(chosen, cells)
