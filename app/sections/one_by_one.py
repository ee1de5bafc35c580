"""From the opened image to the one before it and after it among those that are selected."""

import pandas as pd
import streamlit as st

from ..components import image_tiles
from ..selection.selected import Selection

WIDTH = 330  # pixels


def show(chosen: Selection, idx: int) -> None:
    """Two buttons, which the arrow keys press, and between them where the image stands.

    The address has the image and the filters, so that a link leads to the same place.
    """
    ids = chosen.rows["idx"]
    before, at, after = around(ids, idx)
    # of one width: in a narrow window all of it goes below the id
    with st.container(
        horizontal=True, vertical_alignment="center", gap="xsmall", width=WIDTH, key="one-by-one"
    ):
        _step("Previous", "left", before, chosen.split)
        st.markdown(said(at, len(ids)), width="content")
        _step("Next", "right", after, chosen.split)


def _step(label: str, way: str, to: int | None, split: str) -> None:
    st.button(
        label,
        key=f"step-{label.lower()}",
        on_click=image_tiles.choose,
        args=(to, split),
        disabled=to is None,
        icon=f":material/chevron_{way}:",
        icon_position="left" if way == "left" else "right",
        shortcut=way.capitalize(),
    )


def around(ids: "pd.Series[int]", idx: int) -> tuple[int | None, int, int | None]:
    """The image before it, its place from 1, and the one after it; its place is 0 where it is not
    selected, and the first selected one comes after it then."""
    known = [int(each) for each in ids]
    if idx not in known:
        return None, 0, known[0] if known else None
    at = known.index(idx)
    after = known[at + 1] if at + 1 < len(known) else None
    return known[at - 1] if at else None, at + 1, after


def said(at: int, n: int) -> str:
    """Where the image stands: "3 of 24"."""
    return f"**{at:,}** of {n:,}" if at else f"not among the {n:,}"
