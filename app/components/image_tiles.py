"""Images as tiles, each with what is known of it."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from smd.core.kinds import CERTIFIED, MISCLASSIFIED, NOT_DRAWN, REACHED

from ..selection import state
from . import image_files, pictures
from .plain import plain

OPEN_HELP = (
    "Margins in 1/255, or in L2 where that is said: 5.0 is where a boundary was found, to 5.0 how"
    " far a search came without one, at least 5.0 how far it is proven to be robust, wrong is"
    " misclassified without noise, not drawn that the epoch had it in no batch."
)

# A tile's one button reaches over the whole tile: a click on the picture is one on it, while the
# keyboard and screen readers meet a single button, with its name. Nothing between the two may be
# positioned, or it would reach over that alone.
WHOLE = """<style>
[class*="st-key-tile-"] { position: relative; border-radius: 0.5rem; }
[class*="st-key-tile-"] [class*="st-key-open-"],
[class*="st-key-tile-"] [class*="st-key-open-"] :is(div, span, button) { position: static; }
[class*="st-key-tile-"] [data-testid="stElementToolbar"] { display: none; }
[class*="st-key-tile-"] button::after {
  content: ""; position: absolute; inset: -4px; border-radius: 0.5rem; cursor: pointer;
}
[class*="st-key-tile-"] button:focus-visible { outline: none; box-shadow: none; }
[class*="st-key-tile-"] button:hover::after { box-shadow: 0 0 0 1px currentColor; }
[class*="st-key-tile-"] button:focus-visible::after { box-shadow: 0 0 0 3px currentColor; }
</style>"""

WIDEST = 16  # characters of a file's name
SAID = {REACHED: "to ", CERTIFIED: "at least "}  # before a margin that is no upper bound


def show(part: pd.DataFrame, pixels: np.ndarray, split: str, key: str) -> bool:
    """Whether one of them was clicked."""
    st.html(WHOLE)
    with st.grid(columns="auto", min_column_width=118, gap="small"):
        return any([_tile(row, pixels, split, key) for row in part.to_dict("records")])  # noqa: C419  # all are drawn


def _tile(row: dict[Any, Any], pixels: np.ndarray, split: str, key: str) -> bool:
    name, idx = row["class"], int(row["idx"])
    with st.container(key=f"tile-{key}-{idx}", gap=None):
        st.image(picture(pixels, row), width=112, alt=f"{name}, image {idx}")
        clicked = st.button(
            f"{_named(row)}{_figures(row)}",
            key=f"open-{key}-{idx}",
            type="tertiary",
            on_click=choose,
            args=(idx, split),
            help=f"Open image {idx}{_file(row)}. {OPEN_HELP}",
        )
        if isinstance(path := row.get("path"), str) and path != image_files.NAMELESS:
            st.caption(plain(shortened(path)))
        if stage := row.get("broken_by"):
            st.caption("wrong when clean" if stage == "clean" else f"fooled by {plain(stage)}")
    return clicked


def _named(row: dict[Any, Any]) -> str:
    """Its class, and the one that the network takes it for: "HeadCT → BreastMRI"."""
    name, predicted = row["class"], row.get("predicted")
    other = isinstance(predicted, str) and predicted != name
    return f"{plain(name)} → {plain(predicted)}" if other else plain(name)


def _file(row: dict[Any, Any]) -> str:
    """The name of its file, if it has one."""
    path = row.get("path")
    return f", {plain(path)}" if isinstance(path, str) else ""


def shortened(path: str) -> str:
    """The name of a file, without its folders, in the width of a tile: mostly its end, which tells
    it from others."""
    name = path.rpartition("/")[2]
    return name if len(name) <= WIDEST else f"{name[:4]}…{name[5 - WIDEST :]}"


def choose(idx: int, split: str) -> None:
    """For callbacks: the image that Samples shall show; its filters may be of another split's
    images."""
    st.session_state["sample"] = idx
    state.write(split=split)


def _figures(row: dict[Any, Any]) -> str:
    """What is known of its margin, and how much that has changed."""
    in_l2, kind = "margin_l2" in row, row.get("kind")
    end = "l2" if in_l2 else "255"
    margin, change = (row.get(f"{name}_{end}") for name in ("margin", "change"))
    number, unit = (".3g", " L2") if in_l2 else (".1f", "")
    known = margin is not None and not pd.isna(margin)
    shown = f" · {SAID.get(str(kind), '')}{margin:{number}}{unit}" if known else ""
    shown = f" · {NOT_DRAWN}" if kind == NOT_DRAWN else shown
    told = isinstance(row.get("predicted"), str)  # beside its class
    shown = " · wrong" if kind == MISCLASSIFIED and not told else shown
    return shown + ("" if change is None or pd.isna(change) else f" ({change:+{number}})")


def picture(pixels: np.ndarray, row: dict[Any, Any], side: int = 112) -> str:
    """The image as a link that holds it, the middle slice of a volume."""
    return pictures.link(pictures.flat(pixels[int(row["source"])]), side)
