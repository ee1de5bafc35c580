"""All runs in tables, a click opens one, and what can be done with the ticked ones."""

import pandas as pd
import streamlit as st

from smd.runs import notes
from smd.runs.folders import Run

from .. import actions, pages
from ..components import downloads, going_back, run_names, states, tables
from ..components.plain import plain
from ..forms import cloning
from . import notes as notes_section
from . import run_listing, run_rows

HOW = (
    "Click a run to open it; tick runs to see what they differ in and to lay their curves over each"
    " other. Accuracies of test images come first; val marks a quick look at validation images."
)


def section(table: run_listing.Listed, ticked: list[str]) -> None:
    """The table of these runs, those with ticked ids ticked; one for each group."""
    st.caption(HOW)
    whole = run_rows.table(table, run_listing.wanted())
    at = {run.id: place for place, (run, _) in enumerate(table)}
    for title, members in run_listing.groups(table).items():
        if title:
            n = f"{len(members):,} runs" if len(members) > 1 else "1 run"
            st.markdown(f"**{plain(title)}** · {n}")
        ids = [run.id for run, _ in members]
        group(whole.iloc[[at[i] for i in ids]], ids, ticked)
    choices([run for run, _ in table if run.id in ticked])
    downloads.of_table(whole.drop(columns="curve", errors="ignore"), "runs")


def group(rows: pd.DataFrame, ids: list[str], ticked: list[str]) -> None:
    """One table; ids: of its rows' runs."""
    # another table where runs come, go or move: ticks belong to runs, not to rows
    key = f"runs-{hash(tuple(ids))}"
    clicked = f"{key}-opened"
    tables.show(
        rows,
        on_select=lambda: tick(key, ids),
        selection_mode="multi-row",
        key=key,
        selection_default={"selection": {"rows": [k for k, i in enumerate(ids) if i in ticked]}},
        alt=f"{len(rows)} runs with their settings and accuracies.",
        column_config=run_rows.columns(lambda: wish(clicked, ids), clicked),
    )


def wish(key: str, ids: list[str]) -> None:
    """For the table's callback: which run is to be opened, by what it is and not by where it
    stands."""
    st.session_state["open-run"] = ids[st.session_state[key]["row"]]


def open_wished() -> None:
    """Go to the page of the run that was clicked."""
    if wished := st.session_state.pop("open-run", None):
        st.switch_page(pages.link("live"), query_params={"run": run_names.link(wished)})


def tick(key: str, ids: list[str]) -> None:
    """For the table's callback: which runs are ticked, by what they are and not by where they
    stand; those of other tables stay."""
    others = [i for i in st.session_state["compare"] if i not in ids]
    here = [ids[k] for k in st.session_state[key].selection.rows]
    st.session_state["compare"] = others + here


def ticked_in_link(runs: list[Run]) -> list[str]:
    """The ids of the ticked runs, at first those of the address; they are kept there."""
    if "compare" not in st.session_state or going_back.went_back():
        linked = st.query_params.get("compare", "").split(",")
        st.session_state["compare"] = [run.id for run in runs if run_names.link(run.id) in linked]
    ids = [run.id for run in runs if run.id in st.session_state["compare"]]
    if ids:
        st.query_params["compare"] = ",".join(map(run_names.link, ids))
    elif "compare" in st.query_params:
        del st.query_params["compare"]
    return ids


def choices(ticked: list[Run]) -> None:
    """What can be done with the ticked runs."""
    with st.container(horizontal=True, gap="small"):
        marks(ticked)
        one = len(ticked) == 1
        if actions.button(
            "Clone into the form",
            icon=":material/content_copy:",
            disabled=not one,
            key="clone",
            help="Tick one run to train another like it.",
        ):
            states.attempt(cloning.into_form, ticked[0].config)
        if one:
            with st.popover("Rename", icon=":material/edit:", key="rename"):
                notes_section.name_field(ticked[0], notes.read(ticked[0]))
            st.page_link(
                pages.link("live"),
                label="Open",
                icon=":material/monitoring:",
                query_params={"run": run_names.link(ticked[0].id)},
            )


def marks(ticked: list[Run]) -> None:
    """Buttons that pin or hide the ticked runs, or take that back."""
    noted = [notes.read(run) for run in ticked]
    none = not ticked
    pin = none or not all(each.pinned for each in noted)
    hide = none or not all(each.hidden for each in noted)
    title = "Pin" if pin else "Unpin"
    if actions.button(title, icon=":material/keep:", disabled=none, key="pin"):
        mark(ticked, pinned=pin)
    title = "Hide" if hide else "Unhide"
    if actions.button(title, icon=":material/visibility_off:", disabled=none, key="hide"):
        mark(ticked, hidden=hide)


def mark(ticked: list[Run], pinned: bool | None = None, hidden: bool | None = None) -> None:
    """Pin or hide these runs, and draw the page again."""
    for run in ticked:
        notes_section.save(run, pinned=pinned, hidden=hidden)
    st.rerun()
