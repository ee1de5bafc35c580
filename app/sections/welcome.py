"""What a newcomer meets on Train: what SMD is, why to believe the pages, and an example."""

import streamlit as st

from smd.runs import example, folders

from .. import actions, pages
from ..components import brand, layout, run_names, states

WHAT = (
    "**Self-adaptive Margin Defense (SMD)** trains image classifiers to withstand adversarial noise"
    " without a noise level to choose: every training image has a margin of its own, which widens"
    " as far as the decision boundary lets it."
)
WHY = (
    "You need not take its word for it: other defenses are attacked here on the very same images,"
    " up to AutoAttack, every accuracy has its n and its 95 % interval, and a margin says whether"
    " its search met a boundary or only ended."
)
ALT = (
    "Two images with their margins, drawn as squares that grew in three steps: a wide one far from"
    " the decision boundary, a narrow one that has just met it."
)
EXAMPLE = "An example is here: SMD and an undefended network (STD), trained on 8x8 digits."


def section() -> None:
    """Nothing once there is a run that is no example."""
    if example.own():
        return
    with st.container(border=True):
        grid = layout.pair()
        with grid.cell():
            st.markdown(WHAT)
            st.markdown(WHY)
            offer()
        with grid.cell():
            st.image(brand.picture(brand.ink()), width="stretch", alt=ALT)


def offer() -> None:
    """The way to the example, where it is there, and away from it."""
    there = [run for run in folders.all_runs() if example.is_example(run.id)]
    if not there:
        st.caption("The form below is filled in: one click trains the first network.")
        return
    st.caption(EXAMPLE)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            pages.link("live"),
            label="Open the example",
            icon=":material/monitoring:",
            query_params={"run": run_names.link(there[0].id)},
        )
        remove_button()


def remove_button() -> None:
    """One click, for good."""
    wanted = actions.button(
        "Remove the example",
        key="remove-example",
        icon=":material/delete:",
        type="tertiary",
        help="Both of its runs go, and do not come back.",
    )
    if wanted and states.attempt(actions.remove_example):
        st.session_state.pop("run", None)
        st.rerun()


def badge(run_id: str) -> None:
    """What an example is marked with, wherever a run is named at the head of a page."""
    if example.is_example(run_id):
        st.badge(
            "Example",
            icon=":material/school:",
            color="violet",
            help="It came with SMD Studio and was not trained here.",
        )
