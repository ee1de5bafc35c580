"""Buttons that show the images of other splits, where nothing is known of those that are chosen."""

from collections.abc import Iterable

import streamlit as st

from ..selection import state
from ..selection.filters import SPLITS


def offer(why: str, others: Iterable[str], key: str = "show") -> None:
    """Why there is nothing to see, and a button for each of the splits that have something.

    key: begins the buttons' keys.
    """
    st.info(why, icon=":material/info:")
    for other in others:
        st.button(
            f"Show the {SPLITS[other]}",
            key=f"{key}-{other}",
            on_click=state.write,
            kwargs={"split": other},
            icon=":material/visibility:",
        )
