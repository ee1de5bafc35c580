"""The fields of the Train form that are for own images: where they are, what is done with them."""

from typing import Any

import streamlit as st

from smd import registry
from smd.errors import UserError

from .. import actions
from ..sections import own_sizes
from ..sections.own_import import CHANNELS, SIZE, SKIP
from .knobs import KEPT

NAMES = ("data_path", "image_size", "skip_broken", "channels")  # of the config's fields
NET = "train-net-folder"  # the field of the network, for own images
WHERE = (
    "Class folders, or train/ val/ test/ with class folders in each; a folder, .zip, .tar or"
    " .tar.gz. Or arrays, images or volumes: a .npz or .npy file. Without test/ a fifth of the"
    " images is kept for testing, image by image: if several images are of one patient, lay out"
    " train/ and test/ yourself, so that nobody is in both."
)
COLOURS = {"": "as they are", "rgb": "all in RGB", "gray": "all in gray"}
RESIZE = (
    "Suggested from your images. Every image becomes a square of this side; others are squeezed,"
    " not cut. 0 leaves them as they are."
)


def fields() -> dict[str, Any]:
    """The fields of a config that are for own images alone."""
    path = st.text_input(
        "Folder, archive or array file",
        key="train-path",
        placeholder="/path/to/images or images.zip",
        help=WHERE,
        **KEPT,
    ).strip()
    _suggest(path)
    most = max(net.sizes[1] for net in registry.NETWORKS.values())
    left, right = st.columns(2)
    size = left.number_input(
        "Resize to (pixels a side; 0: as they are)", 0, most, key=SIZE, help=RESIZE, **KEPT
    )
    channels = right.selectbox(
        "Colours",
        list(COLOURS),
        key=CHANNELS,
        help="Gray and colour images cannot be mixed as they are.",
        format_func=COLOURS.__getitem__,
        **KEPT,
    )
    skip = st.checkbox(
        "Leave out broken files",
        key=SKIP,
        help="Files that cannot be read are left out, counted and named.",
        **KEPT,
    )
    size, skip = int(size), bool(skip)
    return {"data_path": path, "image_size": size, "skip_broken": skip, "channels": channels}


def _suggest(path: str) -> None:
    """Give a new path the side and the network that suit it; what is done with files that are in
    the way is asked anew."""
    if st.session_state.get("train-fitted") == path:
        return
    st.session_state["train-fitted"] = path
    st.session_state[SIZE] = _suggested(path)
    st.session_state[SKIP] = False
    st.session_state[CHANNELS] = ""
    st.session_state[NET] = _suited(path)


def _suggested(path: str) -> int:
    try:
        return own_sizes.suggested(path) if path else 0
    except UserError:  # the section of the images says what is wrong
        return 0


def _suited(path: str) -> str:
    try:
        return actions.suited_net(path)
    except UserError:
        return registry.DATASETS["folder"].net
