"""Lists of runs that the address keeps: it names them by their ids, the list by what they are
called."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from . import going_back
from .run_names import link, shown


def linked(key: str, ids: Sequence[str]) -> list[str]:
    """The runs that the address names, by their whole ids or as links do."""
    given = st.query_params.get_all(key)
    return [i for i in ids if i in given or link(i) in given]


def one(label: str, ids: Sequence[str], key: str, usual: str | None, **options: Any) -> str | None:
    """A list of which one run is chosen, `usual` where neither session nor address names one; with
    `usual` None there may be none."""
    known, named = st.session_state.get(key), linked(key, ids)
    if key not in st.session_state or (known is not None and known not in ids):
        st.session_state[key] = named[0] if named else usual
    elif going_back.went_back() and (named or usual is None):
        st.session_state[key] = named[0] if named else None
    index = 0 if usual is not None else None
    chosen = st.selectbox(label, ids, index, key=key, format_func=shown, **options)
    _keep(key, [chosen] if chosen else [])
    return chosen


def several(label: str, ids: Sequence[str], key: str, usual: Sequence[str]) -> list[str]:
    """A list of which any runs are chosen, the usual ones as long as nobody chooses others."""
    known = st.session_state.get(key)
    if known is None or not set(known) <= set(ids) or going_back.went_back():
        named = key in st.query_params
        st.session_state[key] = linked(key, ids) if named else list(usual)
    chosen = st.multiselect(label, ids, key=key, format_func=shown)
    _keep(key, chosen, empty=True)
    return list(chosen)


def _keep(key: str, chosen: Sequence[str], empty: bool = False) -> None:
    """In the address; empty: that none is chosen is said, too."""
    names = [link(i) for i in chosen]
    if names or empty:
        if st.query_params.get_all(key) != (names or [""]):
            st.query_params[key] = names or ""
    elif key in st.query_params:
        del st.query_params[key]
