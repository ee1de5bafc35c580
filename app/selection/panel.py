"""The filters as widgets: the split, and what opens from the selection's bar (bar.py)."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from smd.runs.folders import Run
from smd.units import NOISE, epsilon

from ..components import going_back
from . import choices, confused, filters, state
from .choices import Choices
from .filters import FINDS, HOW_MANY, MOST, OVER_TIME, SPLITS
from .selected import Selection

Off = dict[str, str]  # filter -> why it is disabled
RANGE_HELP = "Or draw a range in the histogram on Margins."
FIND_HELP = (
    "One click; click again to have all images back. What an attack says of an image is"
    " known of attacked images alone."
)
CLOSEST_HELP = "The images of smallest margin; those whose search met a boundary come first."
SET_HELP = "Images that were put together under a name, on Samples or Embedding."
IN_LENGTHS = (
    "This run is in L2: its margins and noise levels are lengths, of which no range in 1/255 can be"
    " drawn."
)


def split(run: Run) -> None:
    """Draw the choice of training, validation or test images."""
    first = choices.first_split(run, state.read()["show"])
    state.begin_split(first)
    st.segmented_control(
        "Images",
        list(SPLITS),
        default=going_back.begin("split", first),
        required=True,
        key="split",
        bind="query-params",
        label_visibility="collapsed",
    )


def show(known: Choices, off: Off) -> None:
    """Draw the filters of a split's images; off: those that change nothing here, and why."""
    _classes(known, off)
    _sets(known, off)
    if known.source and not known.source.estimate:
        _epoch(known, off)
    if known.source and known.top:
        _range(known, off)
    _find(known, off)


def confusions(chosen: Selection, off: Off) -> None:
    """Draw the list of classes that are taken for another, where misclassified images are asked
    for."""
    confused.show(chosen, **_off("predicted", off))


def _off(key: str, off: Off, help: str | None = None) -> dict[str, Any]:
    """Options of a widget: whether it is disabled, and its help, which then says why."""
    return {"disabled": key in off, "help": off.get(key, help)}


def _classes(known: Choices, off: Off) -> None:
    state.forget_unknown("class", lambda names: set(names) <= set(known.classes))
    st.multiselect(
        "Class",
        known.classes,
        placeholder="all classes",
        key="class",
        bind="query-params",
        **_off("class", off),
    )


def _sets(known: Choices, off: Off) -> None:
    """The named sets that have images of the split, if there are any."""
    state.forget_unknown("set", lambda name: name in known.sets)
    if known.sets:
        st.selectbox(
            "Set",
            list(known.sets),
            index=None,
            placeholder="in any set or none",
            key="set",
            bind="query-params",
            **_off("set", off, SET_HELP),
        )


def _epoch(known: Choices, off: Off) -> None:
    first, last = known.epochs[0], known.epochs[-1]
    if first == last:
        return
    state.forget_unknown("epoch", lambda value: first <= value <= last)
    st.slider(
        "Margins after epoch",
        first,
        last,
        last,
        key="epoch",
        bind="query-params",
        **_off("epoch", off),
    )


def _range(known: Choices, off: Off) -> None:
    end = known.top
    state.forget_unknown("range", lambda ends: 0 <= ends[0] <= ends[1] <= end)
    st.slider(
        "Margin (1/255)",
        0.0,
        end,
        (0.0, end),
        0.1,
        format="%.1f",
        key="range",
        bind="query-params",
        **_off("range", off, RANGE_HELP),
    )


def _find(known: Choices, off: Off) -> None:
    """One of the questions, and what else it asks for."""
    over_time = known.split == "train" and known.changes and len(known.epochs) > 1
    offered = [title for key, title in FINDS.items() if over_time or key not in OVER_TIME]
    state.forget_unknown("find", lambda title: title in offered)
    options = _off("find", off, FIND_HELP)
    find = st.pills("Find", offered, key="find", bind="query-params", **options)
    if find == FINDS["closest"]:
        _how_many(off)
    if filters.asks_epochs(find):
        between(known, off)
    if levels := filters.levels_of(filters.key_of(find), known):
        _level(tuple(levels), known.norm, off)
    if find == FINDS["misclassified"]:
        _taken_for(known, off)


def _how_many(off: Off) -> None:
    st.segmented_control(
        "How many",
        HOW_MANY,
        default=MOST,
        required=True,
        key="closest",
        bind="query-params",
        **_off("closest", off, CLOSEST_HELP),
    )


def between(known: Choices, off: Off) -> tuple[int, int]:
    """A slider for two epochs; it stands on Margins, too, where the bar has none."""
    low, high = known.epochs[0], known.epochs[-1]
    state.forget_unknown("between", lambda ends: low <= ends[0] <= ends[1] <= high)
    options = _off("between", off)
    return st.slider(
        "Between epochs", low, high, (low, high), key="between", bind="query-params", **options
    )


def _level(known: Sequence[str], norm: str, off: Off) -> None:
    levels = list(known)
    state.forget_unknown("level", lambda level: level in levels)
    first = 0 if filters.CLEAN in levels else len(levels) - 1
    options = _off("level", off, NOISE[norm])
    title = f"Noise level {epsilon(norm)}"
    st.selectbox(title, levels, first, key="level", bind="query-params", **options)


def _taken_for(known: Choices, off: Off) -> None:
    state.forget_unknown("predicted", lambda names: set(names) <= set(known.classes))
    st.multiselect(
        "Predicted as",
        known.classes,
        placeholder="any wrong class",
        key="predicted",
        bind="query-params",
        **_off("predicted", off),
    )
