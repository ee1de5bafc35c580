"""Importing own images when a page is asked to look at them: how far it is, and what can be done
with odd files."""

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from smd import data as sets
from smd.config.schema import TrainConfig
from smd.data import Images
from smd.data.archive import OutOfTime
from smd.data.request import Request
from smd.data.validation import Unusable

from .. import actions
from ..components.plain import listed, plain
from . import own_sizes

SKIP, CHANNELS, SIZE = "train-skip", "train-channels", "train-size"  # fields of the form
INTENSITY, VOLUMES, SPACING = "train-intensity", "train-volumes", "train-spacing"
AGAIN = "own-look-again"  # in the session: an answer was chosen, so look at once
LAST = "own-last"  # in the session: what was imported last, and its key
# seconds to look whether images are imported already: a folder can hold a million files
PATIENCE = 1.0


def looked(config: TrainConfig) -> Images | None:
    """The imported images, if they are there or have just been asked for; raises UserError.

    Files that are in the way are told, with a button for each thing that can be done about them.
    """
    again = st.session_state.pop(AGAIN, False)
    images = sets.cached(_known(config))
    if images is not None:
        return images
    st.caption(_sizes(own_sizes.survey(config.data_path), config.image_size))
    clicked = actions.button("Look at the images", key="look", icon=":material/visibility:")
    if not (again or clicked):
        return None
    try:
        _import(config)
    except Unusable as error:
        st.error(listed(error.sentences), icon=":material/error:")
        _ways_out(error)
    else:
        st.rerun()
    return None


def _known(config: TrainConfig) -> str:
    """The key of these images in the cache, or that of the last import where there are too many
    files to look at all.

    "" if they are not there. Raises UserError if the path is wrong.
    """
    request = _request(config)
    try:
        return _found(request)
    except OutOfTime:
        last, key = st.session_state.get(LAST, (None, ""))
        return str(key) if last == request else ""


def _request(config: TrainConfig) -> Request:
    return Request(
        config.data_path,
        config.image_size,
        None,
        config.skip_broken,
        config.channels,
        config.labels,
        config.columns,
        config.intensity,
        config.volumes,
        config.spacing,
    )


@st.cache_data(max_entries=32, ttl=30, show_spinner=False, hash_funcs={Request: repr})
def _found(request: Request) -> str:
    images = actions.known_images(request, time.monotonic() + PATIENCE)
    return images.key if images else ""


def _import(config: TrainConfig) -> None:
    """Import in a process of its own; a click on Cancel, or on anything else, ends the script and
    so the import."""
    bar, cancel = st.progress(0.0, "Reading the images"), st.empty()
    cancel.button("Cancel", key="own-cancel", icon=":material/block:", type="tertiary")
    try:
        request = _request(config)
        key = actions.import_images(lambda text, part: _tell(bar, text, part), request)
        st.session_state[LAST] = request, key
    finally:
        bar.empty()
        cancel.empty()
        _found.clear()


def _tell(bar: DeltaGenerator, text: str, part: float) -> None:
    bar.progress(min(max(part, 0.0), 1.0), plain(text))


def _ways_out(error: Unusable) -> None:
    """A button for each choice that gets files out of the way; nothing is done that was not
    chosen."""
    with st.container(horizontal=True):
        if error.broken:
            count = f"Leave {error.broken:,} out" if error.broken > 1 else "Leave it out"
            _choice(count, "leave-out", ":material/playlist_remove:", SKIP, True)
        if "channels" in error.odd:
            _choice("Convert all to RGB", "to-rgb", ":material/palette:", CHANNELS, "rgb")
            _choice("Convert all to gray", "to-gray", ":material/contrast:", CHANNELS, "gray")
        if "depth" in error.odd:
            _choice("Map all alike", "alike", ":material/tonality:", INTENSITY, "range")
        if "sizes" in error.odd:
            title = f"Resize all to {own_sizes.MIXED}x{own_sizes.MIXED}"
            _choice(title, "resize", ":material/photo_size_select_small:", SIZE, own_sizes.MIXED)


def _choice(title: str, key: str, icon: str, field: str, value: bool | str | int) -> None:
    st.button(title, key=f"own-{key}", icon=icon, on_click=_choose, args=(field, value))


def _choose(field: str, value: bool | str | int) -> None:
    st.session_state[field] = value
    st.session_state[AGAIN] = True


def _sizes(survey: own_sizes.Survey, size: int) -> str:
    """What the headers told, and what follows."""
    if not survey.images:
        return "The images are read once; training then uses what was read."
    (width, height), _ = next(iter(survey.sizes.items()))
    seen = f"{survey.images:,} images" if survey.whole else f"The first {survey.images:,} images"
    alike = (
        f"{width}x{height} pixels each"
        if len(survey.sizes) == 1
        else f"of {len(survey.sizes)} sizes"
    )
    if len(survey.sizes) > 1 and not size:
        return (
            f"{seen}, {alike}: set a size above, such as {own_sizes.MIXED}, to resize all of them."
        )
    side = size or width
    cost = ""
    if side > own_sizes.MUCH:
        times = (side / own_sizes.MUCH) ** 2
        cost = (
            f" {side}x{side} has {times:.1f} times the pixels of {own_sizes.MUCH}x{own_sizes.MUCH}:"
            " training takes that much more of time and memory with the same network, so try a"
            f" smaller size first, such as {own_sizes.MUCH}, if that still shows what matters."
        )
    then = f"resized to {size}x{size}" if size else "used as they are"
    return (
        f"{seen}, {alike}; they will be {then}. They are read once; training then uses what was"
        f" read.{cost}"
    )
