"""What a defense keeps of every sample that is no margin: counts, such as GAIRAT's kappa, epoch by
epoch."""

import altair as alt
import pandas as pd
import streamlit as st

from smd import registry
from smd.runs.folders import Run
from smd.store import reader

from .. import data
from ..charts import style
from ..components import downloads, layout, run_names

ALL = "All training images"


def section(run: Run) -> None:
    """Its distribution after an epoch and its quantiles over all of them; nothing where a run keeps
    none."""
    for name in data.value(reader.state_names, run.store):
        entry = registry.KNOWN_DEFENSES.get(run.config.defense)
        title = entry.state_title if entry and entry.state == name else name
        summary = data.read(reader.state_summary, run.store, name)
        st.header(f"{title[0].upper()}{title[1:]}")
        epoch = _epoch(summary)
        counts = data.read(reader.state_hist, run.store, name, epoch)
        grid = layout.pair()
        with grid.cell():
            st.caption(f"{whose(run, int(counts['n'].sum()))} after epoch {epoch}.")
            st.altair_chart(
                histogram(counts, title, run.config.defense, int(summary["q95"].max())),
                key=f"state-{name}",
                alt=f"Histogram of {title} after epoch {epoch}.",
            )
        with grid.cell():
            st.caption("The median, the middle half and the middle 90 % over the epochs.")
            st.altair_chart(
                fan(summary, title, run.config.defense),
                key=f"state-fan-{name}",
                alt=f"{title} over the epochs.",
            )
        downloads.of_table(
            data.read(reader.state_values, run.store, name, epoch),
            f"{run_names.link(run.id)}-{name}-{epoch}",
        )


def whose(run: Run, n: int) -> str:
    """Which training images a histogram is of, as a sentence begins."""
    total = len(data.read(reader.samples, run.store, "train"))
    return f"The {n:,} of {total:,} training images that it drew," if n < total else ALL


def _epoch(summary: pd.DataFrame) -> int:
    first, last = int(summary["epoch"].min()), int(summary["epoch"].max())
    return last if first == last else st.slider("Epoch", first, last, last, key="state-epoch")


def histogram(counts: pd.DataFrame, title: str, defense: str, top: int) -> alt.Chart:
    """A bar for each whole number; counts: bin, n; the axis reaches to `top` at least, so that
    epochs compare."""
    rows = counts.assign(low=counts["bin"] - 0.5, high=counts["bin"] + 0.5)
    scale = alt.Scale(domain=[-0.5, max(top, int(counts["bin"].max())) + 0.5], nice=False)
    return (
        alt.Chart(rows, height=style.HEIGHT)
        .mark_bar(color=style.colour(defense), binSpacing=2)
        .encode(
            alt.X(
                "low:Q",
                title=title,
                bin="binned",
                scale=scale,
                axis=alt.Axis(format="d", tickMinStep=1),
            ),
            alt.X2("high:Q"),
            alt.Y("n:Q", title="training images"),
            tooltip=[alt.Tooltip("bin:Q", title=title), alt.Tooltip("n:Q", title="images")],
        )
    )


def fan(summary: pd.DataFrame, title: str, defense: str) -> alt.LayerChart:
    """summary: epoch and quantiles q05 to q95."""
    base = alt.Chart(summary, height=style.HEIGHT).encode(
        alt.X("epoch:Q", axis=alt.Axis(format="d"))
    )
    tip = [
        "epoch:Q",
        *(alt.Tooltip(f"{q}:Q", format=".2f") for q in ("q05", "q25", "q50", "q75", "q95", "mean")),
    ]
    colour = style.colour(defense)
    return alt.layer(
        base.mark_area(opacity=0.18, color=colour).encode(
            alt.Y("q05:Q", title=title), alt.Y2("q95:Q"), tooltip=tip
        ),
        base.mark_area(opacity=0.32, color=colour).encode(
            alt.Y("q25:Q"), alt.Y2("q75:Q"), tooltip=tip
        ),
        base.mark_line(color=colour, strokeWidth=2.5, point=len(summary) < 2).encode(
            alt.Y("q50:Q"), tooltip=tip
        ),
    )
