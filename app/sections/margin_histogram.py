"""The histogram of margins in which a range can be drawn, and the figures above it."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from smd.units import bin255

from ..charts import histograms
from ..charts import margins as charts
from ..components import downloads, layout
from ..selection import selected, sources, state
from ..selection.filters import SPLITS
from ..selection.selected import Selection
from ..selection.sources import Source
from . import margin_words

Levels = tuple[float, ...]
NO_BINS = pd.DataFrame({"bin": [], "n": []})
TWO = "Pale bars: reached, their search met no boundary. Left of 0: misclassified."
TAKEN = ["run", "kind", "margin_255_from", "n", "percent"]  # columns of the download


def section(chosen: Selection, shown: Sequence[Source], epoch: int, levels: Levels) -> None:
    """The first source in figures, then the margins of all images of one source or two.

    epoch: of a run's own margins, 0 for estimated ones.
    """
    head(shown[0], epoch, levels)
    counts = [sources.counts(source, epoch) for source in shown]
    filled = [rows for rows in counts if not rows.empty]
    table = pd.concat(filled or counts, ignore_index=True)
    if not table.empty:
        titles = [sources.title(source, epoch) for source in shown]
        draw(chosen, table, shown, titles, levels)
    if len(shown) == 2:
        st.caption(TWO)
        if words := sources.compared(*shown):
            st.markdown(words)
    for source in shown:
        st.caption(margin_words.kinds(source, epoch))
    taken = table.rename(columns={"bin": "margin_255_from"})[TAKEN]
    chart = histograms.histogram(table, levels, images(shown)) if len(table) else None
    downloads.of_table(taken, f"{chosen.run.id}-histogram-{epoch or 'estimated'}", chart=chart)


def head(source: Source, epoch: int, levels: Levels) -> None:
    """The source in figures, and what the chart below is of."""
    layout.cards(margin_words.cards(source, epoch, levels))
    if source.estimate:
        st.header(f"Margins of {source.n:,} {SPLITS[source.split]} by {source.by}")
    else:
        st.header(f"Margins of the training images after epoch {epoch}")


def draw(
    chosen: Selection,
    table: pd.DataFrame,
    shown: Sequence[Source],
    titles: Sequence[str],
    levels: Levels,
) -> None:
    """The chart; table: as from sources.counts."""
    span, within = chosen.filters.span, picked_bins(chosen) if len(shown) == 1 else NO_BINS
    st.altair_chart(
        charts.brushed(table, levels, images(shown), span, within),
        key=state.brush_key("histogram"),
        on_select=partial(brush, chosen),
        alt=f"Histogram of margins, {' and '.join(titles)}: {margin_words.fullest(table)}",
    )
    if len(within):
        st.caption("Orange: the selected images among all.")
    elif span:
        st.caption("Click beside the range to have all images back.")
    else:
        st.caption("Draw a range in the histogram to see its images.")


def images(shown: Sequence[Source]) -> str:
    """What the bars count."""
    splits = {source.split for source in shown}
    return SPLITS[shown[0].split] if len(splits) == 1 else "images"


def brush(chosen: Selection) -> None:
    """For callbacks: a range was drawn, its images are selected, in whole bins; a click beside it
    drops it."""
    event = st.session_state[state.brush_key("histogram")].selection
    drawn, top = event.get(charts.BRUSH, {}).get("low"), chosen.known.top
    low, high = sorted(float(max(0, round(end))) for end in drawn) if drawn else (0.0, top)
    selected.change(chosen, span=(low, min(max(high, low + 1), top)))


def picked_bins(chosen: Selection) -> pd.DataFrame:
    """How many of the selected images are in each bin; none where the range alone was chosen: a
    band shows that."""
    meant = chosen.filters
    if (
        not (meant.labels or meant.find or meant.region or meant.within)
        or "margin_255" not in chosen.rows
    ):
        return NO_BINS
    bins = bin255(chosen.rows["margin_255"].dropna() / 255)
    return pd.Series(bins).value_counts().rename_axis("bin").rename("n").reset_index()
