"""Margins: what is known of images' margins, as kept while training or as estimated (the paper's
Figs. 5 to 7)."""

import re

import streamlit as st

from smd import registry
from smd.runs.folders import Run
from smd.store import reader
from smd.units import px

from .. import data
from ..charts import histograms
from ..components import downloads, gallery, layout, standing
from ..components.plain import plain
from ..forms import estimate
from ..sections import (
    class_margins,
    margin_flow,
    margin_forces,
    margin_growth,
    margin_histogram,
    margin_sources,
    margin_words,
    other_splits,
    sample_state,
    smoothed,
)
from ..selection import sources
from ..selection.filters import SPLITS
from ..selection.selected import Selection
from ..selection.sources import Source

PAPER = px(2, 4, 8)
Levels = tuple[float, ...]
IMPORTED = (
    "This network was imported: it has no epochs and no margins of a training. They can be"
    " estimated:"
)
IN_LENGTHS = (
    "The views by class, over time and of forces are in 1/255: of a run in L2, whose margins are"
    " lengths, there are none."
)
ALL_IMAGES = "all images"
VIEWS = (ALL_IMAGES, "by class", "over time", "forces")


def page(run: Run, chosen: Selection) -> None:
    """The margins of the selected split: one of the views, or why there are none."""
    own = [source for source in sources.of(run) if source.split == chosen.split]
    if not own:
        sample_state.section(run)
        nothing_known(chosen)
        smoothed.section(run, chosen.split)
        estimating(run, expanded=True)
        return
    # the other views are in bins of 1/255
    view = ALL_IMAGES if own[0].estimate or run.config.norm != "Linf" else choose_view()
    if view != ALL_IMAGES:
        other_view(view, chosen, levels_of(run))
        return
    shown = margin_sources.choose(run, own)
    if shown[0].norm == "Linf":
        whole(chosen, shown, levels_of(run))
    else:
        in_lengths(shown[0], chosen.filters.epoch)
    smoothed.section(run, chosen.split)
    sample_state.section(run)
    estimating(run, expanded=False)


def levels_of(run: Run) -> Levels:
    """The noise levels that are marked: the paper's and those that the run watched."""
    return tuple(sorted({*PAPER, *run.config.levels_in("Linf")}))


def choose_view() -> str:
    """One of VIEWS, kept in the address."""
    view = st.segmented_control(
        "View",
        VIEWS,
        default=ALL_IMAGES,
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )
    return str(view)


def other_view(view: str, chosen: Selection, levels: Levels) -> None:
    """The views that show all training images of a run that keeps margins."""
    if view == "by class":
        class_margins.section(chosen, levels)
    elif view == "over time":
        margin_flow.section(chosen)
    else:
        margin_forces.section(chosen.run)


def nothing_known(chosen: Selection) -> None:
    """No margins of these images are known: those of others, or what to do about it."""
    others = dict.fromkeys(source.split for source in sources.of(chosen.run))
    if not others:
        nothing_yet(chosen.run)
        return
    other_splits.offer(f"No margins of {chosen.images} are known in this run.", others)


def nothing_yet(run: Run) -> None:
    """Why there is nothing to see, and what to do about it."""
    if run.config.imported:
        if run.trained:
            st.info(IMPORTED, icon=":material/info:")
        else:
            standing.show(run.status, "They can be estimated", "the import is over")
        return
    if not data.value(reader.last_epoch, run.store):
        standing.show(run.status, "Margins appear", "the first epoch is done")
        return
    entry = registry.KNOWN_DEFENSES.get(run.config.defense)
    name = plain(entry.title if entry else run.config.defense)
    why = f"{name} keeps no margin of single images while it trains."
    if run.trained:
        more = " They can be estimated on the trained network:"
        st.info(why + more, icon=":material/info:")
    else:
        st.info(why, icon=":material/info:")
        standing.show(run.status, "They can be estimated", "the training is over")


def estimating(run: Run, expanded: bool) -> None:
    """The form that estimates margins, and the estimates that are under way."""
    if run.trained:
        with st.expander(
            "Estimate margins on the trained network",
            icon=":material/straighten:",
            expanded=expanded,
        ):
            estimate.form(run)
    estimate.under_way(run)


def whole(chosen: Selection, shown: list[Source], levels: Levels) -> None:
    """All images of one source, perhaps beside those of another; the selected ones themselves."""
    epoch = 0 if all(source.estimate for source in shown) else chosen.filters.epoch
    margin_histogram.section(chosen, shown, epoch, levels)
    if chosen.missing:
        st.info(plain(chosen.missing), icon=":material/info:")
    if not chosen.everything:
        st.subheader(chosen.title)
        empty = "No image matches: widen the filters."
        gallery.show(chosen.run, chosen.rows, chosen.split, "margins", empty)
    if not shown[0].estimate:
        margin_growth.section(chosen.run, levels)
        margin_growth.beside(chosen.run, levels)
    every_image(shown, epoch)


def in_lengths(source: Source, epoch: int) -> None:
    """Margins in L2: they are lengths, which no axis or filter in 1/255 can hold."""
    rows, images = margin_words.rows(source, epoch), SPLITS[source.split]
    own = source.norm == source.run.config.norm
    levels = source.run.config.levels if own else ()
    layout.cards(margin_words.cards(source, epoch, levels))
    if source.estimate:
        st.subheader(f"Margins of {source.n:,} {images} by {source.by}")
    else:
        epoch = sources.last_epoch(source, epoch)
        st.subheader(f"Margins of the {images} after epoch {epoch}")
    st.altair_chart(
        histograms.lengths(rows, images),
        key="lengths",
        alt=f"Histogram of margins as L2 lengths of {len(rows):,} images.",
    )
    st.caption(margin_words.kinds(source, epoch))
    if not source.estimate:
        margin_growth.section(source.run, levels)
        margin_growth.beside(source.run, levels)
        st.caption(IN_LENGTHS)
    every_image([source], epoch)


def every_image(shown: list[Source], epoch: int) -> None:
    """The margins of single images, to be taken away."""
    for source in shown:
        st.markdown(f"**Margin of every image** · {plain(sources.title(source, epoch))}")
        name = re.sub(r"[^\w.-]", "-", source.estimate) or f"{source.run.id}-margins-{epoch}"
        downloads.of_table(sources.images(source, epoch), name)
