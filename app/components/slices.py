"""How an image is looked at: which slice of a volume, and which of its intensities; chosen once for
a page, kept in the address."""

import streamlit as st

from .pictures import Cut

AXES = {"depth": 0, "height": 1, "width": 2}
AXIS_HELP = "A volume is cut across this axis; the first of a CT or MR series is its depth."
SLICE_HELP = "Volumes are shown one slice at a time; all of them at the same place."
WINDOW_HELP = (
    "Intensities from black to white, 0 to 255 as the network gets them. It changes what you see,"
    " not what the network gets."
)
WHOLE = (0, 255)


def chooser(sides: tuple[int, ...], key: str = "slice") -> Cut:
    """The chosen slice of volumes of these sides (D, H, W); people and the address ?slice= count
    from 1."""
    axis = st.segmented_control(
        "Cut across",
        list(AXES),
        default="depth",
        required=True,
        key=f"{key}-axis",
        bind="query-params",
        help=AXIS_HELP,
    )
    along = AXES.get(axis, 0)
    many = sides[along]
    if many < 2:
        return Cut(0, along)
    if not 1 <= st.session_state.get(key, 1) <= many:  # of a longer axis
        st.session_state[key] = many // 2 + 1
    at = st.slider("Slice", 1, many, many // 2 + 1, key=key, bind="query-params", help=SLICE_HELP)
    return Cut(at - 1, along)


def window(key: str = "window") -> tuple[int, int]:
    """The intensities that are shown from black to white, 0 to 255."""
    low, high = st.slider(
        "Window", *WHOLE, WHOLE, key=key, bind="query-params", help=WINDOW_HELP, width=300
    )
    return int(low), int(high)
