"""Own images from the browser: a file is sent to the data folder, and chosen there by its name."""

import time

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from smd.data import disk, uploads
from smd.data.uploads import Upload
from smd.errors import UserError
from smd.units import show_bytes

from .. import actions
from ..components.plain import plain
from ..components.states import attempt
from ..sections.own_import import AGAIN
from ..server import upload

HELP = "Send images from this browser to the machine that the dashboard runs on."
LOST = "What became of the upload is not known: send the file again."
KEPT = (
    "It is stored in {folder} as it is and never unpacked; whoever may train here can use it. One"
    f" that nothing was started with is deleted {uploads.DAYS:g} days after it was last looked at."
)


def uploader(target: str, look: bool) -> None:
    """A button that opens the choice of a file, and of what was uploaded before; its path is put
    into the text field. Nothing where uploads are switched off.

    target: the text field's key; look: the page then looks at the images at once.
    """
    if not uploads.limit():
        return
    key = f"{target}-uploader-{_chosen(target)}"  # another one is shut
    with st.popover("Upload", key=key, icon=":material/upload_file:", help=HELP):
        try:
            uploads.check_room()
            _file(target, look)
        except UserError as error:
            st.error(plain(error), icon=":material/error:")
        if listed := uploads.listed():
            _before(target, {each.path.name: each for each in listed})


def said(target: str) -> None:
    """Why the last upload was refused, if it was."""
    if why := st.session_state.get(f"{target}-refused"):
        st.error(plain(why), icon=":material/error:")


def forget(target: str) -> None:
    """For callbacks: another path was typed, so nobody asks any more why an upload was refused."""
    st.session_state[f"{target}-refused"] = ""


def _file(target: str, look: bool) -> None:
    actions.allow_uploads(_session())
    key = f"{target}-upload-{_chosen(target)}"  # another one is empty
    st.file_uploader(
        f"An archive or arrays, up to {show_bytes(uploads.limit())}",
        type=list(uploads.SUFFIXES),
        max_upload_size=uploads.limit() // uploads.STEP,
        key=key,
        on_change=_came,
        args=(target, key, look),
    )
    st.caption(plain(KEPT.format(folder=uploads.folder())))


def _chosen(target: str) -> int:
    """How often something was uploaded or taken in this tab."""
    return int(st.session_state.get(f"{target}-chosen", 0))


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""


def _came(target: str, key: str, look: bool) -> None:
    """For callbacks: what became of the file, into the text field or below it."""
    file = st.session_state.get(key)
    if file is None:
        return
    came = upload.outcome(_session(), file.file_id) or upload.Outcome(error=LOST)
    if came.path:
        _take(target, came.path, look)
    else:
        _shut(target, came.error)


def _take(target: str, path: str, look: bool) -> None:
    """For callbacks: the path into the text field."""
    _shut(target)
    st.session_state[target] = path
    if look:
        st.session_state[AGAIN] = True


def _shut(target: str, refused: str = "") -> None:
    st.session_state[f"{target}-chosen"] = _chosen(target) + 1
    st.session_state[f"{target}-refused"] = refused


def _before(target: str, there: dict[str, Upload]) -> None:
    """Take one that was uploaded before, or delete it."""
    name = st.selectbox(
        "Uploaded before", list(there), None, key=f"{target}-before", placeholder="choose"
    )
    if not name or name not in there:
        return
    chosen = there[name]
    days = (time.time() - chosen.used) / 86_400
    st.caption(
        f"{disk.show(chosen.size)}, last used {'today' if days < 1 else f'{days:.0f} days ago'}"
        f"{'; a run was started with it' if chosen.kept else ''}."
    )
    with st.container(horizontal=True):
        st.button(
            "Use it",
            key=f"{target}-take",
            icon=":material/check:",
            on_click=_take,
            args=(target, str(chosen.path), False),
        )
        gone = actions.button(
            "Delete", key=f"{target}-delete", icon=":material/delete:", type="tertiary"
        )
    if gone and attempt(actions.remove_upload, name):
        st.rerun()
