"""How curves are drawn: smoothing and the x axis, the same on every page that has curves, kept in
the address."""

import streamlit as st

from ..charts.curves import Look

EPOCHS, TIME = "epochs", "wall time"


def choose() -> Look:
    """A row with the two controls."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        axis = st.segmented_control(
            "Over",
            (EPOCHS, TIME),
            default=EPOCHS,
            required=True,
            key="over",
            bind="query-params",
            help="Wall time is what the training itself has taken, without pauses and attacks.",
        )
        smooth = st.slider(
            "Smoothing",
            0.0,
            0.95,
            0.0,
            0.05,
            key="smooth",
            bind="query-params",
            width=240,
            help="An exponential moving average; what was measured stays behind it, faintly.",
        )
    return Look(float(smooth), axis == TIME)
