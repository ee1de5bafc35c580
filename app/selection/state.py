"""The selection's keys in the session and in the address; nothing else reads or writes them.

Widgets write their own: those of the bar (panel.py), and "show" and "view" on Margins.
"""

from typing import Any

import streamlit as st

from ..components import going_back
from . import filters
from .filters import SPLITS

KEYS = (
    "split",
    "class",
    "epoch",
    "range",
    "find",
    "closest",
    "between",
    "level",
    "predicted",
    "region",
    "set",
)
BESIDE = ("show", "view")  # of Margins: which margins, which of its views


def read() -> dict[str, Any]:
    """The values by their keys, None for those that are not set."""
    values = {key: st.session_state.get(key) for key in KEYS}
    return values | {key: _linked(key) for key in BESIDE}


def _linked(key: str) -> str | None:
    """A value whose widget stands below the filters: it may be in the address alone."""
    linked = st.query_params.get(key)
    return linked if going_back.went_back() else st.session_state.get(key) or linked


def write(**values: Any) -> None:
    """For callbacks: set values by their keys."""
    st.session_state.update(values)


def begin_anew() -> None:
    """From a page without these widgets: what the next address does not say is as it begins."""
    for key in (*KEYS, *BESIDE):
        st.session_state.pop(key, None)
    drop_brushes()


def begin_split(first: str) -> None:
    """Set the split to the first one, where neither the session nor the address has one."""
    if st.session_state.get("split") not in SPLITS and st.query_params.get("split") not in SPLITS:
        st.session_state["split"] = first


def keep_region() -> None:
    """The region has no widget of its own: it is kept in the address by hand."""
    if going_back.went_back() or ("region" not in st.session_state and "region" in st.query_params):
        st.session_state["region"] = st.query_params.get("region")
    if region := st.session_state.get("region"):
        st.query_params["region"] = region
    elif "region" in st.query_params:
        del st.query_params["region"]


def keep_range(owner: tuple[str, str | None, float]) -> None:
    """A range is one of these images' margins: one of others', or the whole axis of others', would
    hide images.

    owner: split, estimate (None: no margins are known), the end of the axis (1/255).
    """
    before = st.session_state.get("range-of")
    st.session_state["range-of"] = owner
    if owner[1] is None:
        st.session_state.pop("range", None)
    elif before and before != owner:
        whole = st.session_state.get("range") == (0.0, before[2])
        if before[:2] != owner[:2] or whole:
            st.session_state["range"] = (0.0, owner[2])


def forget_unknown(key: str, known) -> None:  # type: ignore[no-untyped-def]
    """A value that this run does not have, left by another run, would stop the widget."""
    if st.session_state.get(key) is not None and not known(st.session_state[key]):
        del st.session_state[key]


def rename_find() -> None:
    """Older addresses have other titles of some questions."""
    renamed = filters.RENAMED.get(st.query_params.get("find", ""))
    if renamed and "find" not in st.session_state:
        st.session_state["find"] = renamed


def brush_key(name: str) -> str:
    """The key of a chart that is brushed: a new one after `drop_brushes`, so that the old mark
    goes."""
    return f"{name}-{st.session_state.get('brushes', 0)}"


def drop_brushes() -> None:
    """For callbacks: all charts that are brushed are drawn anew, without their marks."""
    st.session_state["brushes"] = st.session_state.get("brushes", 0) + 1
