"""The fields of the Train form that are for own images: where they are, what is done with them."""

import time
from contextlib import suppress
from typing import Any

import streamlit as st

from smd import registry
from smd.config import options
from smd.config.schema import TrainConfig
from smd.data.request import Request
from smd.errors import UserError
from smd.registry.open_networks import LARGEST

from .. import actions
from ..sections import own_sizes
from ..sections.own_import import CHANNELS, INTENSITY, SIZE, SKIP, SPACING, VOLUMES
from . import fields as fields_of
from . import uploading
from .browser import browser
from .knobs import KEPT

# of the config's fields
NAMES = (
    *("data_path", "image_size", "skip_broken", "channels", "intensity", "volumes"),
    *("spacing", "labels", "columns", "allow_leaks", "folds", "fold"),
)
FOLDS, FOLD = "train-folds", "train-fold"
LABELS, COLUMNS, LEAKS = "train-labels", "train-columns", "train-allow-leaks"
FITTED = "train-fitted-labels"  # in the session: path, table and volumes that the columns are of
PATIENCE = 1.0  # seconds to look at the names of the images
PATH = "train-path"
NET = "train-net-folder"  # the field of the network, for own images
WHERE = (
    "Class folders, or train/ val/ test/ with class folders in each; a folder, .zip, .tar or"
    " .tar.gz. Images are PNG, JPEG, TIFF and the like, of 8 to 32 bits, or DICOM and NIfTI. Or"
    " arrays, images or volumes: a .npz or .npy file. With a table of labels the files may lie in"
    " any folders. Without test/ a fifth of the images is kept for testing: by patient where a"
    " table tells the patients, else image by image."
)
TABLE = (
    "A .csv, .tsv or .parquet with a row an image file, or a folder of slices: its name, its label"
    " and, if known, its patient, split, site and groups such as sex. Of arrays a row an image, in"
    " their order or with a column index. Of patients a keyed hash alone is kept. Where"
    " this field is empty, labels.csv, .tsv or .parquet at the top of an archive is used."
)
COLUMNS_HELP = (
    "Guessed from the table, correct what is wrong: path= (of arrays index=), label=, patient=,"
    " split=, site= and any number of group= with the name of a column; with nothing behind it"
    " there is none. label=A+B+C where each class has a column of 0 and 1; rows=single leaves out"
    " rows that have not one 1."
)
LEAKS_HELP = "Only where the table's own splits have a patient in two of them; it stays a caution."
FOLDS_HELP = (
    "Cross-validation: the images are divided into so many parts, by patient where patients are"
    " known, and each is the test split of a training once. 0: one training, with the usual test"
    " split."
)
FOLD_HELP = "Which part is tested: each of them, in a training of its own, or a single one."
COLOURS = {"": "as they are", "rgb": "all in RGB", "gray": "all in gray"}
RESIZE = (
    "Suggested from your images. Every image becomes a square of this side; others are squeezed,"
    " not cut. 0 leaves them as they are."
)
INTENSITIES = (
    "The values that become black and white: window:-160..240 in units of the files (HU for CT),"
    " percentiles:1..99 or range (smallest to largest) of the training images, or voi, the window"
    " that DICOM files name. Empty: images of 8 bits stay as they are, others take"
    " percentiles:0.5..99.5. One mapping for all images, to 256 grey levels."
)
RESAMPLED = (
    "Gives pixels or voxels of DICOM and NIfTI files one size in mm: 1.0 for all sides, or width,"
    " height and distance between slices, 0.7,0.7,2.5. Linear, in the files' own values. 'Resize"
    " to' then cuts and fills up to so many pixels a side around the centre, without squeezing."
)
SLICES = (
    "Each folder of DICOM files is one volume: the slices of one series, sorted by where they lie."
    " Otherwise each file is an image of its own."
)


def fields(training: bool = True) -> dict[str, Any]:
    """The fields of a config that are for own images alone; training: what only that asks for,
    too."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        path = st.text_input(
            "Folder, archive or array file",
            key=PATH,
            placeholder="/path/to/images or images.zip",
            help=WHERE,
            on_change=uploading.forget,
            args=(PATH,),
            **KEPT,
        ).strip()
        browser(PATH)
        uploading.uploader(PATH, training)
    uploading.said(PATH)
    _suggest(path)
    left, right = st.columns(2)
    size = left.number_input(
        "Resize to (pixels a side; 0: as they are)", 0, LARGEST, key=SIZE, help=RESIZE, **KEPT
    )
    channels = right.selectbox(
        "Colours",
        list(COLOURS),
        key=CHANNELS,
        help="Gray and colour images cannot be mixed as they are.",
        format_func=COLOURS.__getitem__,
        **KEPT,
    )
    own = {"data_path": path, "image_size": int(size), "channels": channels, **_more()}
    own |= _table(path, training)
    return own | _folds() if training else own


def _more() -> dict[str, Any]:
    """The fields of what is done with odd files and with those of scanners."""
    left, right = st.columns(2)
    intensity = left.text_input(
        "Intensities",
        key=INTENSITY,
        placeholder="automatic",
        help=INTENSITIES,
        **KEPT,
    ).strip()
    spacing = right.text_input(
        "Spacing (mm)",
        key=SPACING,
        placeholder="as it is",
        help=RESAMPLED,
        on_change=_refit,
        **KEPT,
    ).strip()
    left, right = st.columns(2)
    with left:
        skip = st.checkbox(
            "Leave out broken files",
            key=SKIP,
            help="Files that cannot be read are left out, counted and named.",
            **KEPT,
        )
    with right:
        volumes = st.checkbox(
            "Folders of slices are volumes", key=VOLUMES, help=SLICES, on_change=_refit, **KEPT
        )
    done = {"skip_broken": bool(skip), "intensity": intensity, "volumes": bool(volumes)}
    return done | {"spacing": spacing}


def _table(path: str, training: bool) -> dict[str, Any]:
    """The fields of the table of labels; those of its columns only where there is one."""
    labels = st.text_input(
        "Table of labels (optional)",
        key=LABELS,
        placeholder="/path/to/labels.csv",
        help=TABLE,
        **KEPT,
    ).strip()
    _suggest_columns(path, labels)
    if not labels:
        return {}
    columns = st.text_input("Columns of the table", key=COLUMNS, help=COLUMNS_HELP, **KEPT)
    allowed = training and st.checkbox(
        "Train although patients are in two splits", key=LEAKS, help=LEAKS_HELP, **KEPT
    )
    return {"labels": labels, "columns": columns.strip(), "allow_leaks": bool(allowed)}


def _folds() -> dict[str, Any]:
    """The fields of a cross-validation; which fold only where there are some."""
    left, right = st.columns(2)
    with left:
        folds = fields_of.number(TrainConfig, "folds", 0, key=FOLDS, help=FOLDS_HELP, **KEPT)
    if folds < 2:
        return {"folds": folds}
    if int(st.session_state.get(FOLD) or 0) > folds:  # of more folds than there are now
        st.session_state[FOLD] = 0
    fold = right.selectbox(
        options.field(TrainConfig, "fold").title,
        range(folds + 1),
        key=FOLD,
        format_func=lambda k: f"{k} of {folds}" if k else f"all {folds}, a run each",
        help=FOLD_HELP,
        **KEPT,
    )
    return {"folds": folds, "fold": int(fold)}


def _suggest_columns(path: str, labels: str) -> None:
    """Fill in what the columns of a new table seem to be."""
    volumes = bool(st.session_state.get(VOLUMES))  # then folders have the names
    if st.session_state.get(FITTED, ("", "", False)) == (path, labels, volumes):
        return
    st.session_state[FITTED] = (path, labels, volumes)
    st.session_state[LEAKS] = False
    st.session_state[COLUMNS] = ""
    if path and labels:
        with suppress(UserError):  # the section of the images says what is wrong
            request = Request(path, labels=labels, volumes=volumes)
            until = time.monotonic() + PATIENCE
            st.session_state[COLUMNS] = actions.guessed_columns(request, until)


def _refit() -> None:
    """The network that suits the images, or the volumes that are made of them."""
    path = str(st.session_state.get(PATH) or "").strip()
    size, spacing = int(st.session_state.get(SIZE) or 0), str(st.session_state.get(SPACING) or "")
    volumes = bool(st.session_state.get(VOLUMES))
    st.session_state[NET] = _suited(Request(path, size, volumes=volumes, spacing=spacing.strip()))


def _suggest(path: str) -> None:
    """Give a new path the side and the network that suit it; what is done with files that are in
    the way is asked anew."""
    if st.session_state.get("train-fitted") == path:
        return
    st.session_state["train-fitted"] = path
    st.session_state[SIZE] = _suggested(path)
    st.session_state[SKIP] = False
    st.session_state[CHANNELS] = ""
    st.session_state[INTENSITY] = ""
    st.session_state[SPACING] = ""
    st.session_state[VOLUMES] = False
    st.session_state[NET] = _suited(Request(path, st.session_state[SIZE]))


def _suggested(path: str) -> int:
    try:
        return own_sizes.suggested(path) if path else 0
    except UserError:  # the section of the images says what is wrong
        return 0


def _suited(request: Request) -> str:
    try:
        return actions.suited_net(request)
    except UserError:
        return registry.DATASETS["folder"].net
