"""An image and those nearest to it in an embedding, selected by numbers: what a lasso does, for the
keyboard."""

import pandas as pd
import streamlit as st

from ..selection import region, selected
from ..selection.filters import HOW_MANY, MOST
from ..selection.selected import Selection

IMAGE, MANY = "around-image", "around-many"  # keys of the fields
HELP = "Selects the images inside a circle around this one: about so many."


def choose(chosen: Selection, embedding: str, points: pd.DataFrame) -> None:
    """The fields, and a button that selects; points: as from reader.embedding_points."""
    clean = points[~points["adversarial"].astype(bool)]
    ids = clean["idx"].astype(int)
    low, high = int(ids.min()), int(ids.max())
    with st.popover("Around an image", icon=":material/adjust:", key="around"):
        if not low <= st.session_state.get(IMAGE, low) <= high:
            del st.session_state[IMAGE]  # of another embedding
        opened = st.session_state.get("sample")
        begin = opened if opened in set(ids) else low
        idx = st.number_input("Image", low, high, begin, key=IMAGE)
        n = st.segmented_control("How many", HOW_MANY, default=MOST, required=True, key=MANY)
        there = bool((ids == idx).any())
        st.button(
            "Select",
            key="around-select",
            disabled=not there,
            help=HELP if there else f"Image {idx} is not in this embedding.",
            on_click=_select,
            args=(chosen, embedding, clean, int(idx), int(n or MOST)),
        )


def _select(chosen: Selection, embedding: str, clean: pd.DataFrame, idx: int, n: int) -> None:
    """For callbacks."""
    at = int((clean["idx"].to_numpy(int) == idx).argmax())
    x, y = clean["x"].to_numpy(float), clean["y"].to_numpy(float)
    selected.change(chosen, region=region.around(embedding, x, y, at, n))
