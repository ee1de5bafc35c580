"""Margins class by class: a table, of which a click opens a class, and a small histogram for
each."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from smd.core.kinds import KINDS, MEANING, MISCLASSIFIED, NOT_DRAWN
from smd.store import reader
from smd.units import show_level

from .. import data
from ..charts import margins as margin_charts
from ..components import downloads, run_names, tables
from ..components.plain import plain
from ..selection import selected, state
from ..selection.selected import Selection
from . import margin_words

PER_PAGE = 12
CORRECT = "Of the correctly classified images, found and reached together"
LARGER = (
    "Of the n images of the class: correct, with a larger margin. Misclassified ones do not count;"
    " reached ones do by how far their next search may go."
)
LEFT_OF_0 = (
    "Misclassified images have no margin: their bar stands left of 0. Dashed: noise levels ε (L∞),"
    " in 1/255."
)
UNEQUALLY = (
    "The epoch drew classes equally often, so a rare class's images several times: their margins"
    " are searched, and grow, more often than others'."
)
Levels = tuple[float, ...]


def section(chosen: Selection, levels: Levels) -> None:
    """Everything about the margins of each class after the chosen epoch."""
    run, epoch, classes = chosen.run, chosen.filters.epoch, chosen.known.classes
    counts = named(data.read(reader.class_hist, run.store, epoch), classes)
    summary = named(data.read(reader.class_summary, run.store, epoch), classes)
    table = overview(counts, summary, data.read(reader.margins, run.store, epoch), levels)
    table = with_undrawn(table, named(data.read(reader.samples, run.store, "train"), classes))
    st.header(f"Margins of each class after epoch {epoch}")
    unequal = f" {UNEQUALLY}" if NOT_DRAWN in table else ""
    st.caption(f"Click a row to see its images and its histogram among all the others.{unequal}")
    key = state.brush_key("classes")
    tables.show(
        table,
        key=key,
        on_select=lambda: _pick(chosen, key, list(table["class"])),
        selection_mode="single-row",
        alt=said(table),
        column_config=columns(table),
        column_order=["class", "histogram", *table.columns.drop(["class", "histogram"])],
    )
    downloads.of_table(table.drop(columns="histogram"), f"{run_names.link(run.id)}-classes-{epoch}")
    st.header("The histograms side by side")
    panels(counts, list(table["class"]), levels)


def columns(table: pd.DataFrame) -> dict[str, Any]:
    """How the columns of an overview are headed, and what they mean."""
    number = st.column_config.NumberColumn
    return {
        "n": number("drawn" if NOT_DRAWN in table else "images", help="Images of the class."),
        **{kind: number(help=f"Images: {MEANING[kind]}.") for kind in MEANING if kind in table},
        "median": number(
            "median (1/255)", format="%.1f", help=f"{CORRECT}; empty where there is none."
        ),
        "spread": number(
            "middle half (1/255)", format="%.1f", help=f"From lower to upper quartile. {CORRECT}."
        ),
        "histogram": st.column_config.BarChartColumn(
            "histogram", help=f"From 0 on, a bar for each 1/255. {CORRECT}."
        ),
        **{
            name: number(name.removeprefix("correct, "), format="%.1f", help=LARGER)
            for name in table.columns
            if " > " in name
        },
    }


def said(table: pd.DataFrame) -> str:
    """What the table shows first."""
    known = table.dropna(subset="median")
    if known.empty:
        return f"No image of the {len(table)} classes is classified correctly."
    return (
        f"Of {len(table)} classes {known['class'].iloc[0]} has the smallest median margin of"
        " correct images."
    )


def named(rows: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """With the name of each label in the column class."""
    return rows.assign(**{"class": [classes[int(label)] for label in rows["label"]]})


def overview(
    counts: pd.DataFrame, summary: pd.DataFrame, margins: pd.DataFrame, levels: Levels
) -> pd.DataFrame:
    """A row a class, one without a correct image first, then the one with the smallest median.

    Columns: class, n, found, reached, misclassified (images), median, spread (1/255, of the correct
    ones), a share (% of all its images) of margins larger than each level, histogram (a list, of
    the correct ones).
    """
    correct = counts[counts["kind"] != MISCLASSIFIED]
    bars = correct.pivot_table(
        index="label", columns="bin", values="n", aggfunc="sum", fill_value=0
    )
    bars = bars.reindex(
        columns=range(int(correct["bin"].max()) + 1 if len(correct) else 1), fill_value=0
    )
    rows = []
    for part in summary.sort_values("q50", na_position="first").to_dict("records"):
        own = margins[(margins["label"] == part["label"]) & np.isfinite(margins["margin"])]
        right = own.loc[own["kind"] != MISCLASSIFIED, "margin"]
        shares = {
            f"correct, margin > {show_level(eps)} (%)": (
                100 * int((right > np.float32(eps)).sum()) / part["n"]
            )
            for eps in levels
        }
        figures = {"median": 255 * part["q50"], "spread": 255 * (part["q75"] - part["q25"])}
        about = {name: part[name] for name in ("class", "n", *KINDS)}
        histogram = (
            list(bars.loc[part["label"]]) if part["label"] in bars.index else [0] * bars.shape[1]
        )
        rows.append({**about, **figures, **shares, "histogram": histogram})
    return pd.DataFrame(rows)


def with_undrawn(table: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """An overview with a class's images that the epoch did not draw, where there are any; n counts
    those that it drew. images: class, a training image a row."""
    left = table["class"].map(images["class"].value_counts()) - table["n"]
    if not left.any():
        return table
    at = list(table).index(KINDS[-1]) + 1
    return pd.concat([table.iloc[:, :at], left.rename(NOT_DRAWN), table.iloc[:, at:]], axis=1)


def _pick(chosen: Selection, key: str, classes: list[str]) -> None:
    """For callbacks: the images of the class that was clicked are selected and shown."""
    rows = st.session_state[key].selection.rows
    labels = tuple(chosen.known.classes.index(classes[row]) for row in rows[:1])
    selected.change(chosen, labels=labels)
    if rows:
        state.write(view="all images")


def panels(counts: pd.DataFrame, order: list[str], levels: Levels) -> None:
    """A small histogram for each class, all on the same axes, under one legend."""
    share = 100 * counts["n"] / counts.groupby("class")["n"].transform("sum")
    counts = counts.assign(percent=share)
    ends = (
        max(float(counts["bin"].max()) + 1, 255 * max(levels) + 1),
        float(stacked(counts).max()),
    )
    st.altair_chart(
        margin_charts.legend(counts),
        key="kinds",
        width="content",
        alt="Colours: found, reached, misclassified.",
    )
    st.caption(LEFT_OF_0)

    def draw(name: str) -> None:
        own = counts[counts["class"] == name]
        st.altair_chart(
            margin_charts.of_class(own, levels, ends),
            key=f"class-{name}",
            alt=f"Margins of {name}: {margin_words.fullest(own)}",
        )

    small_multiples(order, draw, "classes-page")


def stacked(counts: pd.DataFrame) -> "pd.Series[float]":
    """How high the bars are: found and reached images of a bin stand on each other, misclassified
    ones alone."""
    return counts.groupby(["class", "bin"])["percent"].sum()


def small_multiples(classes: list[str], draw: Callable[[str], None], key: str) -> None:
    """A small chart for each class, as many beside each other as there is room for, in pages if
    there are many."""
    pages = -(-len(classes) // PER_PAGE)
    page = min(st.session_state.get(key) or 1, pages)
    grid = st.grid(columns="auto", min_column_width=230, gap="small")
    for name in classes[(page - 1) * PER_PAGE : page * PER_PAGE]:
        with grid.cell():
            st.markdown(f"**{plain(name)}**")
            draw(name)
    if pages > 1:
        st.pagination(pages, key=key)
