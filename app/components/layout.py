"""How pages lay out what they show: pairs of charts, rows of cards."""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st
from streamlit.elements.lib.grid_container import GridContainer


class Card(NamedTuple):
    """A figure in a box of its own, such as an accuracy."""

    title: str
    value: str  # with its unit
    meaning: str  # shown where the mouse rests on the title


def pair() -> GridContainer:
    """Two columns, or one where the window is narrow: fill it with containers."""
    return st.grid(columns=2, min_column_width=430, gap="medium")


def beside() -> GridContainer:
    """As `pair`, for a large plot and what is selected in it: only a wide window has room for
    both beside each other."""
    return st.grid(columns=2, min_column_width=460, gap="medium")


def cards(shown: Sequence[tuple[str, str, str]]) -> None:
    """Cards beside each other, each a Card or its three fields, as wide as their titles: none is
    cut."""
    with st.container(horizontal=True, gap="small"):
        for title, value, meaning in shown:
            st.metric(title, value, help=meaning, border=True, width="content")


class Figure(NamedTuple):
    """A figure with what it rests on in sight below it: n, an interval, by which attack."""

    title: str
    value: str  # with its unit
    below: str  # Markdown
    meaning: str = ""  # shown where the mouse rests on the title


def figures(shown: Sequence[Figure]) -> None:
    """Boxes beside each other, or below each other where the window is narrow."""
    if not shown:
        return
    grid = st.grid(columns=len(shown), min_column_width=230, gap="small")
    for each in shown:
        with grid.cell(), st.container(border=True, height="stretch", gap="xxsmall"):
            st.metric(each.title, each.value, help=each.meaning or None)
            st.caption(each.below)
