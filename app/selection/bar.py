"""The bar above Embedding, Margins, Samples and Attacks: which run, which split, which images; the
filters open from it."""

import streamlit as st

from smd.runs.folders import Run
from smd.store import reader

from .. import data
from ..components import run_names
from ..components.plain import plain
from . import choices, filter_words, filters_used, panel, selected, state
from .selected import Selection

WIDTH = 440  # pixels of the filters; less on a phone


def show(page: str, run: Run) -> Selection:
    """Draw the bar, none where the run has no images yet; the selection that it makes.

    page: the title of the page that shows it. Raises UserError where the store cannot be read.
    """
    if not data.value(reader.class_names, run.store):
        return selected.of(run, choices.of(run, state.read()))
    state.keep_region()
    state.rename_find()
    with st.container(key="selection", border=True, gap="xsmall"):
        return _bar(page, run)


def _bar(page: str, run: Run) -> Selection:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(run_names.shown(run.id))}**", width="content")
        panel.split(run)
        known = choices.of(run, state.read())
        source = known.source
        state.keep_range((known.split, source.estimate if source else None, known.top))
        off = filters_used.ignored(page, run, known.split)
        opened = st.popover("Filters", icon=":material/filter_alt:", key="filters")
        inside = opened.container(width=WIDTH)
        with inside:
            panel.show(known, off)
        chosen = selected.of(run, known)
        with inside:
            panel.confusions(chosen, off)
        if not chosen.everything:
            _clear(chosen)
        st.markdown(" · ".join([f"**{chosen.title}**", *_words(chosen)]), width="content")
    if off:
        st.caption(f":material/block: {off['class']}")
    if run.config.norm != "Linf":
        st.caption(panel.IN_LENGTHS)
    return chosen


def _clear(chosen: Selection) -> None:
    st.button(
        "Clear",
        on_click=selected.clear,
        args=(chosen,),
        type="tertiary",
        icon=":material/filter_alt_off:",
        key="clear-selection",
    )


def _words(chosen: Selection) -> list[str]:
    return [plain(words) for words in filter_words.of(chosen.filters, chosen.known)]
