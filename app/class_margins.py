"""Margins class by class: a table, of which a click opens a class, and a small histogram for each."""

from collections.abc import Callable

import data
import margin_charts
import numpy as np
import pandas as pd
import selection
import streamlit as st
import ui

from smd.runs import Run
from smd.store import reader
from smd.units import show_level

PER_PAGE = 12
Levels = tuple[float, ...]


def section(run: Run, levels: Levels) -> None:
    """Everything about the margins of each class after the chosen epoch."""
    epoch = selection.epoch(run)
    classes = data.value(reader.class_names, run.store)
    counts = named(data.read(reader.class_hist, run.store, epoch), classes)
    summary = named(data.read(reader.class_summary, run.store, epoch), classes)
    table = overview(counts, summary, data.read(reader.margins, run.store, epoch), levels)
    st.subheader(f"Margins of each class after epoch {epoch}")
    st.caption("Click a row to see its images and its histogram among all the others.")
    key = selection.brush_key("classes")
    st.dataframe(
        table, hide_index=True, key=key, on_select=lambda: _pick(key, list(table["class"])),
        selection_mode="single-row", alt=f"Of {len(table)} classes {table['class'].iloc[0]} has the smallest margins.",
        column_config={
            "median": st.column_config.NumberColumn("median (1/255)", format="%.1f"),
            "spread": st.column_config.NumberColumn(
                "middle half (1/255)", format="%.1f", help="From the lower to the upper quartile."
            ),
            "misclassified": st.column_config.NumberColumn(help="Clean images that the network gets wrong."),
            "histogram": st.column_config.BarChartColumn("histogram", help="From 0 on, a bar for each 1/255."),
            **{name: st.column_config.NumberColumn(format="%.1f") for name in table.columns if "beyond" in name},
        },
    )  # fmt: skip
    ui.downloads(table.drop(columns="histogram"), f"{ui.name(run.id)}-classes-{epoch}")
    st.subheader("The histograms side by side")
    panels(counts, list(table["class"]), levels, run.config.defense)


def named(rows: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """With the name of each label in the column class."""
    return rows.assign(**{"class": [classes[int(label)] for label in rows["label"]]})


def overview(counts: pd.DataFrame, summary: pd.DataFrame, margins: pd.DataFrame, levels: Levels) -> pd.DataFrame:
    """A row a class, the one with the smallest median first.

    Columns: class, n, misclassified, median, spread (1/255), a share (%) beyond each level, histogram (a list).
    """
    last = int(counts["bin"].max())
    rows = []
    for part in summary.sort_values("q50").to_dict("records"):
        own = counts[counts["label"] == part["label"]].set_index("bin")["n"].reindex(range(last + 1), fill_value=0)
        found = margins.loc[margins["label"] == part["label"], "margin"]
        shares = {f"beyond {show_level(eps)} (%)": 100 * float((found > np.float32(eps)).mean()) for eps in levels}
        figures = {"median": 255 * part["q50"], "spread": 255 * (part["q75"] - part["q25"])}
        about = {name: part[name] for name in ("class", "n", "misclassified")}
        rows.append({**about, **figures, **shares, "histogram": list(own)})
    return pd.DataFrame(rows)


def _pick(key: str, classes: list[str]) -> None:
    chosen = st.session_state[key].selection.rows
    selection.ask(**{"class": [classes[chosen[0]]] if chosen else None})
    if chosen:
        st.session_state["view"] = "all images"


def panels(counts: pd.DataFrame, order: list[str], levels: Levels, defense: str) -> None:
    """A small histogram for each class, all on the same axes."""
    share = 100 * counts["n"] / counts.groupby("class")["n"].transform("sum")
    counts = counts.assign(percent=share)
    ends = (max(float(counts["bin"].max()) + 1, 255 * max(levels) + 1), float(share.max()))

    def draw(name: str) -> None:
        own = counts[counts["class"] == name]
        st.altair_chart(
            margin_charts.of_class(own, levels, defense, ends), key=f"class-{name}",
            alt=f"Margins of {name}: the fullest bin begins at {int(own.loc[own['n'].idxmax(), 'bin'])}/255.",
        )  # fmt: skip

    small_multiples(order, draw, "classes-page")


def small_multiples(classes: list[str], draw: Callable[[str], None], key: str) -> None:
    """A small chart for each class, as many beside each other as there is room for, in pages if there are many."""
    pages = -(-len(classes) // PER_PAGE)
    page = min(st.session_state.get(key) or 1, pages)
    grid = st.grid(columns="auto", min_column_width=230, gap="small")
    for name in classes[(page - 1) * PER_PAGE : page * PER_PAGE]:
        with grid.cell():
            st.markdown(f"**{name}**")
            draw(name)
    if pages > 1:
        st.pagination(pages, key=key)
