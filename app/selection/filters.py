"""The filters in the sidebar.

What Map, Margins, Samples and Attacks show of a run, they show of these images.
"""

from typing import Any

import streamlit as st

from smd.errors import UserError
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader

from .. import data
from ..components import going_back
from . import filters_used, image_query, selected
from .selected import SPLITS
from .sources import Source

Off = dict[str, str]  # filter -> why it is disabled


def sidebar(page: str) -> None:
    """The filters for the chosen run; none where it has no images yet, or cannot be read: the page
    says why."""
    run = next((run for run in folders.all_runs() if run.id == st.session_state.get("run")), None)
    try:
        if run and run.config and data.value(reader.class_names, run.store):
            panel(run, page)
    except UserError:
        pass


def panel(run: Run, page: str) -> None:
    """The filters of a run's images."""
    _keep_region()
    _splits(run)
    split = st.session_state["split"]
    source = selected.margins_of(run, split)
    _own_range(split, source, selected.top(run))
    off = filters_used.ignored(page, run, split)
    classes = data.value(reader.class_names, run.store)
    _forget_unknown("class", lambda names: set(names) <= set(classes))
    st.multiselect(
        "Class",
        classes,
        key="class",
        bind="query-params",
        placeholder="all classes",
        **_off("class", off),
    )
    if source and not source.estimate:
        _epoch_slider(run, off)
    if source:
        _range_slider(run, off)
    _finds(run, split, bool(source), off)
    _summary(run, off)


def _off(key: str, off: Off, otherwise: str | None = None) -> dict[str, Any]:
    """For a widget: whether it is disabled, and its help, which then says why."""
    return {"disabled": key in off, "help": off.get(key, otherwise)}


def _keep_region() -> None:
    """The region has no widget of its own: it is kept in the address by hand."""
    if going_back.went_back() or ("region" not in st.session_state and "region" in st.query_params):
        st.session_state["region"] = st.query_params.get("region")
    if region := st.session_state.get("region"):
        st.query_params["region"] = region
    elif "region" in st.query_params:
        del st.query_params["region"]


def _splits(run: Run) -> None:
    if st.session_state.get("split") not in SPLITS and st.query_params.get("split") not in SPLITS:
        st.session_state["split"] = selected.first_split(run)
    begin = going_back.begin("split", selected.first_split(run))
    st.segmented_control(
        "Images",
        list(SPLITS),
        default=begin,
        required=True,
        key="split",
        bind="query-params",
        width="stretch",
    )


def _own_range(split: str, source: Source | None, end: float) -> None:
    """A range is one of these images' margins: one of others', or the whole axis of others', would
    hide images."""
    before, now = (
        st.session_state.get("range-of"),
        (split, source.estimate if source else None, end),
    )
    st.session_state["range-of"] = now
    if not source:
        st.session_state.pop("range", None)
    elif before and before != now:
        whole = st.session_state.get("range") == (0.0, before[2])
        if before[:2] != now[:2] or whole:
            st.session_state["range"] = (0.0, end)


def _epoch_slider(run: Run, off: Off) -> None:
    stored = data.read(reader.margin_summary, run.store)["epoch"]
    first, last = int(stored.min()), int(stored.max())
    if first == last:
        return
    _forget_unknown("epoch", lambda value: first <= value <= last)
    st.slider(
        "Margins after epoch",
        first,
        last,
        last,
        key="epoch",
        bind="query-params",
        **_off("epoch", off),
    )


def _range_slider(run: Run, off: Off) -> None:
    end = selected.top(run)
    if not end:
        return
    _forget_unknown("range", lambda ends: 0 <= ends[0] <= ends[1] <= end)
    st.slider(
        "Margin (1/255)",
        0.0,
        end,
        (0.0, end),
        0.1,
        format="%.1f",
        key="range",
        bind="query-params",
        **_off("range", off, "Or draw a range in the histogram on Margins."),
    )


def _finds(run: Run, split: str, margins: bool, off: Off) -> None:
    grown = split == "train" and margins and len(data.read(reader.margin_summary, run.store)) > 1
    offered = [
        title
        for key, title in image_query.FINDS.items()
        if grown or key not in image_query.OVER_TIME
    ]
    _forget_unknown("find", lambda title: title in offered)
    st.pills(
        "Find",
        offered,
        key="find",
        bind="query-params",
        **_off("find", off, "One click; click again to have all images back."),
    )
    find = st.session_state.get("find")
    if find == image_query.FINDS["closest"]:
        st.segmented_control(
            "How many",
            image_query.HOW_MANY,
            default=image_query.MOST,
            required=True,
            key="closest",
            bind="query-params",
            **_off(
                "closest",
                off,
                "The images of smallest margin; those whose search met a boundary come first.",
            ),
        )
    if selected.asks_epochs():
        low, high = (
            int(end)
            for end in data.read(reader.margin_summary, run.store)["epoch"].agg(["min", "max"])
        )
        _forget_unknown("between", lambda ends: low <= ends[0] <= ends[1] <= high)
        st.slider(
            "Between epochs",
            low,
            high,
            (low, high),
            key="between",
            bind="query-params",
            **_off("between", off),
        )
    if find in {image_query.FINDS[key] for key in image_query.ATTACKED} and (
        known := list(selected.levels(run, split))
    ):
        _forget_unknown("level", lambda level: level in known)
        st.selectbox(
            "Noise level",
            known,
            len(known) - 1,
            key="level",
            bind="query-params",
            **_off("level", off),
        )


def _forget_unknown(key: str, known) -> None:  # type: ignore[no-untyped-def]
    """A value that this run does not have, left by another run, would stop the widget."""
    if st.session_state.get(key) is not None and not known(st.session_state[key]):
        del st.session_state[key]


def _summary(run: Run, off: Off) -> None:
    chosen = selected.of(run)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.markdown(f"**{chosen.title}**", width="content")
        if not chosen.everything:
            st.button(
                "Show all",
                on_click=selected.clear,
                args=(run,),
                type="tertiary",
                icon=":material/filter_alt_off:",
                key="clear-selection",
            )
    if chosen.asked.region:
        st.caption(":material/gesture: Drawn around on the map.")
    if off:
        st.caption(f":material/block: {off['class']}")
