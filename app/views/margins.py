"""Margins: what is known of images' margins, as kept while training or as estimated (the paper's
Figs. 5 to 7)."""

import re

import pandas as pd
import streamlit as st

from smd import registry
from smd.evaluation import final_margins
from smd.runs import folders
from smd.store import reader
from smd.units import bin255, px

from .. import data
from ..charts import basic, margins
from ..components import gallery, standing, ui
from ..components.plain import plain
from ..forms import estimate
from ..sections import class_margins, margin_flow, margin_forces, margin_words, sample_state
from ..selection import selected as selection
from ..selection import sources
from ..selection.sources import Source

run = ui.picked()
ui.broken(run)
PAPER = px(2, 4, 8)
IMAGES = selection.SPLITS
NO_BINS = pd.DataFrame({"bin": [], "n": []})


def nothing_yet() -> None:
    """Why there is nothing to see, and what to do about it."""
    entry = registry.DEFENSES.get(run.config.defense)
    if not data.value(reader.last_epoch, run.store):
        standing.show(run.status, "Margins appear", "the first epoch is done")
    elif run.weights.exists():
        st.info(
            f"{plain(entry.title if entry else run.config.defense)} keeps no margin of single"
            " images while it trains. They can be estimated on the trained network:",
            icon=":material/info:",
        )
    else:
        name = plain(entry.title if entry else run.config.defense)
        st.info(f"{name} keeps no margin of single images while it trains.", icon=":material/info:")
        standing.show(run.status, "They can be estimated", "the training is over")


def elsewhere() -> None:
    """Margins of other images are known, not of these."""
    st.info(f"No margins of {IMAGES[split]} are known in this run.", icon=":material/info:")
    for other in dict.fromkeys(source.split for source in everything):
        st.button(
            f"Show the {IMAGES[other]}",
            key=f"show-{other}",
            on_click=selection.ask,
            kwargs={"split": other},
            icon=":material/visibility:",
        )


def estimating(expanded: bool) -> None:
    if run.weights.exists():
        with st.expander(
            "Estimate margins on the trained network",
            icon=":material/straighten:",
            expanded=expanded,
        ):
            estimate.form(run)
    estimate.under_way(run)


def pick(label: str, known: list[Source], key: str, optional: bool) -> Source | None:
    """A source from a list, kept in the address; the first one unless it is optional."""
    by_key = {source.key: source for source in known}
    cleared = optional and key in st.session_state and st.session_state[key] is None
    # an address names a source by its title or its key
    if not cleared and st.session_state.get(key) not in by_key:
        asked = st.query_params.get(key)
        linked = next((source.key for source in known if asked in (source.key, source.title)), None)
        st.session_state[key] = linked or (None if optional else known[0].key)
    chosen = st.selectbox(
        label,
        list(by_key),
        index=None if optional else 0,
        key=key,
        bind="query-params",
        placeholder="other margins",
        format_func=lambda k: by_key[k].title,
        width=380,
    )
    return by_key.get(chosen) if chosen else None


def choose(own: list[Source]) -> list[Source]:
    """What to show: one source of this run, of the selected split, and perhaps another one of any
    run."""
    others = [
        source for r in folders.all_runs() if r.id != run.id for source in sources.of_another(r)
    ]
    with st.container(horizontal=True):
        first = (pick("Margins", own, "show", optional=False) if len(own) > 1 else None) or own[0]
        known = [
            source
            for source in sources.of(run) + others
            if source != first and source.norm == first.norm
        ]
        second = pick("Compare with", known, "with", optional=True) if known else None
    return [source for source in (first, second) if source and sources.there(source)]


def head(source: Source, epoch: int) -> None:
    """The first source in figures, and what the chart below is of."""
    ui.metrics(margin_words.cards(source, epoch, levels))
    if source.estimate:
        st.subheader(f"Margins of {source.n:,} {IMAGES[source.split]} by {source.by}")
    else:
        st.subheader(f"Margins of the training images after epoch {epoch}")


def brush() -> None:
    """A range was drawn in the histogram: its images are selected, in whole bins; a click beside it
    drops it."""
    drawn = (
        st.session_state[selection.brush_key("histogram")]
        .selection.get(margins.BRUSH, {})
        .get("low")
    )
    top = selection.top(run)
    low, high = sorted(float(max(0, round(end))) for end in drawn) if drawn else (0.0, top)
    selection.ask(range=(low, min(max(high, low + 1), top)))


def histogram(shown: list[Source], epoch: int, chosen: selection.Selection) -> None:
    found = [sources.counts(source, epoch) for source in shown]
    table = pd.concat([counts for counts in found if not counts.empty] or found, ignore_index=True)
    splits = {source.split for source in shown}
    images = IMAGES[shown[0].split] if len(splits) == 1 else "images"
    within = picked_bins(chosen) if len(shown) == 1 else NO_BINS
    if not table.empty:
        st.altair_chart(
            margins.brushed(table, levels, images, chosen.asked.span, within),
            key=selection.brush_key("histogram"),
            on_select=brush,
            alt=(
                "Histogram of margins,"
                f" {' and '.join(sources.title(source, epoch) for source in shown)}: "
            )
            + margin_words.fullest(table),
        )
        st.caption(
            "Orange: the selected images among all."
            if len(within)
            else (
                "Click beside the range to have all images back."
                if chosen.asked.span
                else "Draw a range in the histogram to see its images."
            )
        )
    if len(shown) == 2:
        st.caption("Pale bars: reached, their search met no boundary. Left of 0: misclassified.")
        if words := sources.compared(*shown):
            st.markdown(words)
    for source in shown:
        st.caption(margin_words.kinds(source, epoch))
    taken = table.rename(columns={"bin": "margin_255_from"})[
        ["run", "kind", "margin_255_from", "n", "percent"]
    ]
    ui.downloads(taken, f"{run.id}-histogram-{epoch or 'estimated'}")


def picked_bins(chosen: selection.Selection) -> pd.DataFrame:
    """How many of the selected images are in each bin; none where the range alone was chosen: a
    band shows that."""
    asked = chosen.asked
    if not (asked.labels or asked.find or asked.region) or "margin_255" not in chosen.rows:
        return NO_BINS
    bins = bin255(chosen.rows["margin_255"].dropna() / 255)
    return pd.Series(bins).value_counts().rename_axis("bin").rename("n").reset_index()


def selected(chosen: selection.Selection) -> None:
    if chosen.missing:
        st.info(plain(chosen.missing), icon=":material/info:")
    if not chosen.everything:
        st.subheader(chosen.title)
        gallery.show(
            run, chosen.rows, chosen.asked.split, "margins", "No image matches: widen the filters."
        )


def growth() -> None:
    st.subheader("How the margins grew")
    summary = data.read(reader.margin_summary, run.store)
    schedule = sources.schedule(run)
    said = margin_words.growth(summary, schedule)
    st.caption(
        "Median, the middle half and the middle 90 % of the correctly classified training images."
        f" {said}"
    )
    st.altair_chart(
        basic.fan(summary, levels, run.config.defense, schedule),
        key="fan",
        alt=f"Quantiles of the margins over the epochs. {said}",
    )


def beside() -> None:
    """Under a run's own margins: what was estimated of test images, which are what it will be used
    on."""
    source = next(
        (s for s in everything if s.estimate and s.split == "test" and s.norm == "Linf"), None
    )
    if source is None:
        plan = final_margins.read(run.folder)
        if reason := plan.reason if plan else "":
            st.subheader("Beside them: no test images")
            st.caption(plain(reason))
        return
    st.subheader(f"Beside them: {source.n:,} test images by {source.by}")
    ui.metrics(margin_words.cards(source, 0, levels))
    counts = sources.counts(source, 0)
    st.altair_chart(
        basic.histogram(counts, levels, IMAGES["test"]),
        key="beside",
        alt=f"Histogram of estimated margins of test images: {margin_words.fullest(counts)}",
    )
    st.caption(margin_words.kinds(source, 0))
    st.button(
        "Show these images",
        on_click=selection.ask,
        kwargs={"split": "test"},
        icon=":material/visibility:",
    )


def images(shown: list[Source], epoch: int) -> None:
    for source in shown:
        st.markdown(f"**Margin of every image** · {sources.title(source, epoch)}")
        name = re.sub(r"[^\w.-]", "-", source.estimate) or f"{source.run.id}-margins-{epoch}"
        ui.downloads(sources.images(source, epoch), name)


def in_lengths(source: Source) -> None:
    """An estimation in L2: its margins are lengths, which no axis or filter in 1/255 can hold."""
    found = margin_words.rows(source, 0)
    ui.metrics(margin_words.cards(source, 0, ()))
    st.subheader(f"Margins of {source.n:,} {IMAGES[source.split]} by {source.by}")
    st.altair_chart(
        basic.lengths(found, IMAGES[source.split]),
        key="lengths",
        alt=f"Histogram of margins as L2 lengths of {len(found):,} images.",
    )
    st.caption(margin_words.kinds(source, 0))
    images([source], 0)


def whole() -> None:
    epoch = selection.epoch(run) if not all(source.estimate for source in shown) else 0
    chosen = selection.of(run)
    head(shown[0], epoch)
    histogram(shown, epoch, chosen)
    selected(chosen)
    if not shown[0].estimate:
        growth()
        beside()
    images(shown, epoch)


levels = tuple(sorted({*PAPER, *run.config.levels}))
everything = sources.of(run)
split = selection.of(run).asked.split
own = [source for source in everything if source.split == split]
if not own:
    sample_state.section(run)
    if everything:
        elsewhere()
    else:
        nothing_yet()
    estimating(expanded=True)
    st.stop()
VIEWS = {
    "all images": whole,
    "by class": lambda: class_margins.section(run, levels),
    "over time": lambda: margin_flow.section(run),
    "forces": lambda: margin_forces.section(run),
}
kept = not own[0].estimate
if kept:
    st.segmented_control(
        "View",
        list(VIEWS),
        default="all images",
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )
if kept and st.session_state["view"] != "all images":
    VIEWS[st.session_state["view"]]()
    st.stop()
shown = choose(own)
if shown[0].norm == "Linf":
    whole()
else:
    in_lengths(shown[0])
sample_state.section(run)
estimating(expanded=False)
