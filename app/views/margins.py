"""Margins: how far the training images are from the decision boundary (the paper's Figs. 6 and 7)."""

import charts
import data
import pandas as pd
import streamlit as st
import ui

from smd import export, registry, runs
from smd.runs import Run
from smd.store import reader
from smd.units import px, show_level

run = ui.picked()
ui.broken(run)
PAPER = px(2, 4, 8)


def epoch_slider(first: int, last: int) -> int:
    """The epoch to look at; the last one as long as nobody moves the slider."""
    if last == first:
        return last
    return st.slider("Epoch", first, last, last, key="epoch", bind="query-params")


def counts_of(one: Run, asked: int) -> pd.DataFrame:
    """The histogram of the last stored epoch up to the asked one, with the share of all images."""
    stored = data.read(reader.margin_summary, one.store)["epoch"]
    epoch = int(stored[stored <= asked].max())
    table = data.read(reader.margin_hist, one.store, epoch)
    name = f"{ui.name(one.id)}, epoch {epoch}"
    return table.assign(run=name, defense=one.config.defense, percent=100 * table["n"] / table["n"].sum())


def other_run() -> Run | None:
    """A second run to draw over the first."""
    others = {r.id: r for r in runs.all_runs() if r.id != run.id and ui.readable(r)}
    others = {i: r for i, r in others.items() if not data.read(reader.margin_summary, r.store).empty}
    if not others:
        return None
    chosen = st.selectbox(
        "Compare with", list(others), index=None, key="with", bind="query-params", placeholder="another run",
        format_func=ui.name,
    )  # fmt: skip
    return others.get(chosen) if chosen else None


summary = data.read(reader.margin_summary, run.store)
if summary.empty:
    title = registry.DEFENSES[run.config.defense].title if run.config.defense in registry.DEFENSES else ""
    if data.value(reader.last_epoch, run.store):
        st.info(f"{title} keeps no margin of single images. SMD does: choose one of its runs.", icon=":material/info:")
    else:
        st.info("Margins appear when the first epoch is done.", icon=":material/hourglass_top:")
    st.stop()

levels = tuple(sorted({*PAPER, *run.config.levels}))
left, right = st.columns([3, 2], gap="large")
with left:
    epoch = epoch_slider(int(summary["epoch"].min()), int(summary["epoch"].max()))
with right:
    other = other_run()

share = data.value(reader.share_beyond, run.store, epoch, levels)
ui.metrics(
    [
        (f"beyond {show_level(eps)}", f"{100 * share[eps]:.1f} %", "Training images whose margin is larger than this.")
        for eps in levels
    ]
)
tables = [counts_of(run, epoch)]
if other is not None:
    tables.append(counts_of(other, epoch))
counts = pd.concat(tables, ignore_index=True)
st.subheader(f"Margins of the training images after epoch {epoch}")
median = 255 * float(summary.loc[summary["epoch"] <= epoch, "q50"].iloc[-1])
st.altair_chart(
    charts.histogram(counts, levels), key="histogram",
    alt=f"Histogram of margins after epoch {epoch}; half of the images are beyond {median:.1f}/255.",
)  # fmt: skip
st.subheader("How the margins grew")
st.caption("Median, the middle half and the middle 90 % of the training images.")
st.altair_chart(
    charts.fan(summary, levels),
    key="fan",
    alt=f"Quantiles of the margins over the epochs; the median ends at {median:.1f}/255.",
)
a, b = st.columns(2)
with a:
    st.markdown("**Histogram**")
    ui.downloads(
        counts.rename(columns={"bin": "margin_255_from"})[["run", "margin_255_from", "n", "percent"]],
        f"{run.id}-histogram-{epoch}",
    )
with b:
    st.markdown("**Margin of every image**")
    ui.downloads(export.margin_table(data.read(reader.margins, run.store, epoch)), f"{run.id}-margins-{epoch}")
