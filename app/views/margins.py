"""Margins: how far images are from the decision boundary, as kept or as estimated (the paper's Figs. 5 to 7)."""

import re

import charts
import data
import estimate_form
import pandas as pd
import sources
import state_section
import streamlit as st
import ui
from sources import Source

from smd import registry, runs
from smd.store import reader
from smd.units import px, show_level

run = ui.picked()
ui.broken(run)
PAPER = px(2, 4, 8)
IMAGES = {"train": "training images", "val": "validation images", "test": "test images"}


def nothing_yet() -> None:
    """Why there is nothing to see, and what to do about it."""
    entry = registry.DEFENSES.get(run.config.defense)
    if not data.value(reader.last_epoch, run.store):
        st.info("Margins appear when the first epoch is done.", icon=":material/hourglass_top:")
    elif run.weights.exists():
        st.info(
            f"{entry.title if entry else run.config.defense} keeps no margin of single images while it trains. "
            "They can be estimated on the trained network:",
            icon=":material/info:",
        )
    else:
        st.info(
            f"{entry.title if entry else run.config.defense} keeps no margin of single images while it trains. "
            "They can be estimated when the training is over.",
            icon=":material/info:",
        )


def estimating(expanded: bool) -> None:
    if run.weights.exists():
        with st.expander("Estimate margins on the trained network", icon=":material/straighten:", expanded=expanded):
            estimate_form.form(run)
    estimate_form.under_way(run)


def pick(label: str, known: list[Source], key: str, optional: bool) -> Source | None:
    """A source from a list, kept in the address; the first one unless it is optional."""
    by_key = {source.key: source for source in known}
    cleared = optional and key in st.session_state and st.session_state[key] is None
    if not cleared and st.session_state.get(key) not in by_key:  # an address names a source by its title or its key
        asked = st.query_params.get(key)
        linked = next((source.key for source in known if asked in (source.key, source.title)), None)
        st.session_state[key] = linked or (None if optional else known[0].key)
    chosen = st.selectbox(
        label, list(by_key), index=None if optional else 0, key=key, bind="query-params",
        placeholder="other margins", format_func=lambda k: by_key[k].title,
    )  # fmt: skip
    return by_key.get(chosen) if chosen else None


def epoch_slider() -> int:
    """The epoch to look at; the last one as long as nobody moves the slider. 0 if the run keeps no margins."""
    epochs = data.read(reader.margin_summary, run.store)["epoch"]
    if epochs.empty or epochs.min() == epochs.max():
        return int(epochs.max()) if len(epochs) else 0
    first, last = int(epochs.min()), int(epochs.max())
    return st.slider("Epoch", first, last, last, key="epoch", bind="query-params")


def choose(own: list[Source]) -> tuple[list[Source], int]:
    """What to show: one source of this run and perhaps another one of any run; and the epoch of kept margins."""
    others = [source for r in runs.all_runs() if r.id != run.id for source in sources.of_another(r)]
    left, right = st.columns([3, 2], gap="large")
    with left:
        first = pick("Margins", own, "show", optional=False) if len(own) > 1 else own[0]
        first = first or own[0]
    with right:
        known = [source for source in own + others if source != first and source.norm == first.norm]
        second = pick("Compare with", known, "with", optional=True) if known else None
    shown = [source for source in (first, second) if source and sources.there(source)]
    return shown, epoch_slider() if not all(source.estimate for source in shown) else 0


def head(source: Source, epoch: int) -> None:
    """The first source in figures, and what the chart below is of."""
    if source.estimate:
        ui.metrics(sources.cards(source, levels))
        st.subheader(f"Margins of {source.n:,} {IMAGES[source.split]} by {source.by}")
        return
    share = data.value(reader.share_beyond, run.store, epoch, levels)
    meaning = "Training images whose margin is larger than this."
    ui.metrics([(f"beyond {show_level(eps)}", f"{100 * share[eps]:.1f} %", meaning) for eps in levels])
    st.subheader(f"Margins of the training images after epoch {epoch}")


def histogram(shown: list[Source], epoch: int) -> None:
    found = [sources.counts(source, epoch) for source in shown]
    table = pd.concat([counts for counts in found if not counts.empty] or found, ignore_index=True)
    splits = {source.split for source in shown}
    if not table.empty:
        st.altair_chart(
            charts.histogram(table, levels, IMAGES[shown[0].split] if len(splits) == 1 else "images"), key="histogram",
            alt="Histogram of margins: " + " and ".join(sources.title(source, epoch) for source in shown),
        )  # fmt: skip
    if len(shown) == 2 and (words := sources.compared(*shown)):
        st.markdown(words)
    for source in shown:
        if source.estimate:
            st.caption(sources.told(source))
    taken = table.rename(columns={"bin": "margin_255_from"})[["run", "margin_255_from", "n", "percent"]]
    st.markdown("**Histogram**")
    ui.downloads(taken, f"{run.id}-histogram-{epoch or 'estimated'}")


def growth() -> None:
    st.subheader("How the margins grew")
    st.caption("Median, the middle half and the middle 90 % of the training images.")
    summary = data.read(reader.margin_summary, run.store)
    median = 255 * float(summary["q50"].iloc[-1])
    st.altair_chart(
        charts.fan(summary, levels, run.config.defense), key="fan",
        alt=f"Quantiles of the margins over the epochs; the median ends at {median:.1f}/255.",
    )  # fmt: skip


def images(shown: list[Source], epoch: int) -> None:
    for source in shown:
        st.markdown(f"**Margin of every image** · {sources.title(source, epoch)}")
        name = re.sub(r"[^\w.-]", "-", source.estimate) or f"{source.run.id}-margins-{epoch}"
        ui.downloads(sources.images(source, epoch), name)


levels = tuple(sorted({*PAPER, *run.config.levels}))
own = sources.of(run)
if not own:
    state_section.section(run)
    nothing_yet()
    estimating(expanded=True)
    st.stop()
shown, epoch = choose(own)
head(shown[0], epoch)
histogram(shown, epoch)
if not shown[0].estimate:
    growth()
images(shown, epoch)
state_section.section(run)
estimating(expanded=False)
