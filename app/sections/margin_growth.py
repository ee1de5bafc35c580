"""How a run's own margins grew over the epochs, and the test images' estimated ones beside them."""

import streamlit as st

from smd.evaluation import final_margins
from smd.runs.folders import Run
from smd.store import reader

from .. import data
from ..charts import histograms, history
from ..components import layout
from ..components.plain import plain
from ..selection import sources, state
from ..selection.filters import SPLITS
from ..selection.sources import Source
from . import margin_words

Levels = tuple[float, ...]
QUANTILES = (
    "Median, the middle half and the middle 90 % of the correctly classified training images."
)

DRAWN = (
    "Of each epoch those that it drew, all classes equally often: images of rare classes several"
    " times, so that their margins move more often than once an epoch."
)


def section(run: Run, levels: Levels) -> None:
    """The quantiles of the margins over the epochs, and what the schedule alone would have made."""
    st.header("How the margins grew")
    summary = data.read(reader.margin_summary, run.store)
    schedule = sources.schedule(run)
    said = margin_words.growth(summary, schedule, run.config.norm)
    drawn = " " + DRAWN if run.config.balance == "sampling" else ""
    st.caption(f"{QUANTILES}{drawn} {said}")
    st.altair_chart(
        history.fan(summary, levels, run.config.defense, schedule, run.config.norm),
        key="fan",
        alt=f"Quantiles of the margins over the epochs. {said}",
    )


def beside(run: Run, levels: Levels) -> None:
    """What was estimated of test images, which are what the network will be used on, in the run's
    norm; else why nothing was."""
    estimated = (s for s in sources.of(run) if s.estimate and s.split == "test")
    source = next((s for s in estimated if s.norm == run.config.norm), None)
    if source is None:
        plan = final_margins.read(run.folder)
        if reason := plan.reason if plan else "":
            st.header("Beside them: no test images")
            st.caption(plain(reason))
        return
    st.header(f"Beside them: {source.n:,} test images by {source.by}")
    layout.cards(margin_words.cards(source, 0, levels))
    _drawn(source, levels)
    st.caption(margin_words.kinds(source, 0))
    st.button(
        "Show these images",
        on_click=state.write,
        kwargs={"split": "test"},
        icon=":material/visibility:",
    )


def _drawn(source: Source, levels: Levels) -> None:
    """The histogram of an estimate of test images."""
    if source.norm == "Linf":
        counts = sources.counts(source, 0)
        chart = histograms.histogram(counts, levels, SPLITS["test"])
        said = margin_words.fullest(counts)
    else:
        rows = sources.results(source)
        chart, said = histograms.lengths(rows, SPLITS["test"]), f"{len(rows):,} L2 lengths."
    st.altair_chart(
        chart, key="beside", alt=f"Histogram of estimated margins of test images: {said}"
    )
