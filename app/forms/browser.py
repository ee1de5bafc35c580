"""A look into the folder of data, so that nobody needs to type a path."""

from pathlib import Path

import streamlit as st

from smd.data.browsing import MOST, Listing
from smd.errors import UserError
from smd.paths import data_root

from .. import actions
from ..components.plain import plain

UP = ".."
HELP = "Folders, archives and array files in the data folder, SMD_DATA."


def browser(target: str) -> None:
    """A button that opens the folder of data; what is chosen there is put into the text field.

    target: the text field's key.
    """
    with st.popover("Browse", icon=":material/folder_open:", help=HELP):
        below = st.session_state.get(f"{target}-below", "")
        try:
            listed = actions.listing(below)
        except UserError as error:
            st.error(plain(str(error)))
            st.session_state[f"{target}-below"] = ""
            return
        _folder(target, below, listed)


def _folder(target: str, below: str, listed: Listing) -> None:
    place = data_root() / below
    st.caption(plain(str(place)))
    st.button(
        "Use this folder",
        key=f"{target}-use",
        on_click=_take,
        args=(target, place),
        disabled=not (listed.folders or below),
    )
    inner = [*([UP] if below else []), *(f"{name}/" for name in listed.folders)]
    opened = st.selectbox(
        "Open a folder", inner, None, key=f"{target}-open-{below}", placeholder="choose"
    )
    if opened:
        st.session_state[f"{target}-below"] = _moved(below, opened)
        st.rerun()
    file = st.selectbox(
        "Or use a file", listed.files, None, key=f"{target}-file-{below}", placeholder="choose"
    )
    if file:
        st.button(f"Use {plain(file)}", on_click=_take, args=(target, place / file))
    if listed.more:
        st.caption(f"Only the first {MOST} of each kind are shown: type the path of others.")
    elif not listed.folders and not listed.files:
        st.caption("There are no folders, archives or arrays here.")


def _moved(below: str, opened: str) -> str:
    """The folder that is seen next, relative to the folder of data."""
    if opened == UP:
        return "" if "/" not in below else below.rsplit("/", 1)[0]
    return f"{below}/{opened}".strip("/")


def _take(target: str, place: Path) -> None:
    """For callbacks: the path into the text field."""
    st.session_state[target] = str(place)
