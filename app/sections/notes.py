"""Name, notes, tags and pins of a run: written where the run is looked at."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from smd.runs import notes
from smd.runs.folders import Run
from smd.runs.notes import Notes

from .. import actions
from ..components import run_names, states
from ..components.plain import in_badge
from ..server import login


def badges(noted: Notes) -> None:
    """The tags of a run, and whether it is pinned or hidden."""
    for tag in noted.tags:
        st.badge(in_badge(tag), icon=":material/sell:", color="gray")
    if noted.pinned:
        st.badge("pinned", icon=":material/keep:", color="blue")
    if noted.hidden:
        st.badge("hidden", icon=":material/visibility_off:", color="orange")


def section(run: Run, others: Sequence[str]) -> None:
    """The form; others: tags that other runs have, to choose from."""
    noted, looking = notes.read(run), not login.may_act()
    # there also without notes: the panel below keeps its place, so that it stays open
    with st.container():
        if noted.text.strip():
            st.text(noted.text.strip())
    with st.expander(
        "Name, notes and tags", icon=":material/edit_note:", key=f"notes-panel-{run.id}"
    ):
        name_field(run, noted)
        _text(run, noted, looking)
        _tags(run, noted, others, looking)
        with st.container(horizontal=True):
            _toggles(run, noted, looking)


def name_field(run: Run, noted: Notes) -> None:
    """The field of the run's name; empty, it is called by its id again."""
    key = f"name-{run.id}"
    st.text_input(
        "Name",
        noted.name,
        key=key,
        max_chars=notes.LONGEST_NAME,
        placeholder=run_names.link(run.id),
        help="Shown on every page, in tables, charts and the report. Links and files go by the id.",
        on_change=lambda: save(run, name=st.session_state[key]),
        disabled=not login.may_act(),
    )


def _text(run: Run, noted: Notes, looking: bool) -> None:
    key = f"notes-{run.id}"
    st.text_area(
        "Notes",
        noted.text,
        key=key,
        height=120,
        placeholder="What you tried and what came of it, in plain text.",
        on_change=lambda: save(run, text=st.session_state[key]),
        disabled=looking,
    )


def _tags(run: Run, noted: Notes, others: Sequence[str], looking: bool) -> None:
    key = f"tags-{run.id}"
    st.multiselect(
        "Tags",
        list(dict.fromkeys([*noted.tags, *others])),
        list(noted.tags),
        key=key,
        accept_new_options=True,
        placeholder="baseline, paper, ...",
        on_change=lambda: save(run, tags=tuple(st.session_state[key])),
        disabled=looking,
    )


def _toggles(run: Run, noted: Notes, looking: bool) -> None:
    pin, hide = f"pin-{run.id}", f"hide-{run.id}"
    st.toggle(
        "Pinned",
        noted.pinned,
        key=pin,
        help="Before all other runs in every list.",
        on_change=lambda: save(run, pinned=st.session_state[pin]),
        disabled=looking,
    )
    st.toggle(
        "Hidden",
        noted.hidden,
        key=hide,
        help="Out of the lists; Compare can show hidden runs.",
        on_change=lambda: save(run, hidden=st.session_state[hide]),
        disabled=looking,
    )


def save(
    run: Run,
    text: str | None = None,
    tags: tuple[str, ...] | None = None,
    pinned: bool | None = None,
    hidden: bool | None = None,
    name: str | None = None,
) -> None:
    """For callbacks: keep what is given, leave the rest as it is; a refusal is shown."""
    given = {"text": text, "tags": tags, "pinned": pinned, "hidden": hidden, "name": name}
    change = {field: value for field, value in given.items() if value is not None}
    states.attempt(actions.note, run, lambda before: replace(before, **change))
