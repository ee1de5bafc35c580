"""Which margins a page shows: two lists, kept in the address."""

import streamlit as st

from smd.runs import folders
from smd.runs.folders import Run

from ..components import going_back
from ..selection import sources
from ..selection.sources import Source


def choose(run: Run, own: list[Source]) -> list[Source]:
    """What to show: one source of this run, of the selected split, and perhaps another one of any
    run."""
    others = [
        source for r in folders.all_runs() if r.id != run.id for source in sources.of_another(r)
    ]
    with st.container(horizontal=True):
        first = (pick("Margins", own, "show", optional=False) if len(own) > 1 else None) or own[0]
        known = [
            source
            for source in sources.of(run) + others
            if source != first and source.norm == first.norm
        ]
        second = pick("Compare with", known, "with", optional=True) if known else None
    return [source for source in (first, second) if source and sources.there(source)]


def pick(label: str, known: list[Source], key: str, optional: bool) -> Source | None:
    """A source from a list, kept in the address; the first one unless it is optional."""
    by_key = {source.key: source for source in known}
    cleared = optional and key in st.session_state and st.session_state[key] is None
    # an address names a source by its title or its key
    if going_back.went_back() or (not cleared and st.session_state.get(key) not in by_key):
        named = st.query_params.get(key)
        linked = next((source.key for source in known if named in (source.key, source.title)), None)
        st.session_state[key] = linked or (None if optional else known[0].key)
    chosen = st.selectbox(
        label,
        list(by_key),
        index=None if optional else 0,
        key=key,
        placeholder="other margins",
        format_func=lambda k: by_key[k].title,
        width=380,
    )
    keep(key, chosen if optional or chosen != known[0].key else None)
    return by_key.get(chosen) if chosen else None


def keep(key: str, chosen: str | None) -> None:
    """In the address, by what stays as it is when a run is renamed."""
    if chosen:
        st.query_params[key] = chosen
    elif key in st.query_params:
        del st.query_params[key]
