"""What the colours of a map tell.

Class, margin, change of the margin, or the verdict of an attack.
"""

import numpy as np
import pandas as pd
import streamlit as st

from smd import export
from smd.analysis import agreement
from smd.runs.folders import Run
from smd.store import reader
from smd.units import show_level

from .. import data
from ..selection import selected
from ..selection.image_query import everything
from ..selection.selected import Selection
from . import basic, embedding
from .embedding import Layer, Scale

CLASS, MARGIN, CHANGE, VERDICT = "class", "margin", "change of margin", "verdict"
WITHSTOOD, BROKEN, WRONG, UNSEEN = (
    "withstands",
    "is broken",
    "misclassified without noise",
    "not attacked",
)
# images that nobody attacked stay faded
VERDICTS = {WITHSTOOD: "#1a8a94", BROKEN: "#c8641f", WRONG: "#9c5a96"}


def choose(run: Run, chosen: Selection) -> str:
    """One of the colourings that this run's store allows, kept in the address."""
    known = [CLASS]
    if chosen.source:
        known.append(MARGIN)
    if (
        chosen.source
        and not chosen.source.estimate
        and len(data.read(reader.margin_summary, run.store)) > 1
    ):
        known.append(CHANGE)
    if selected.levels(run, chosen.asked.split):
        known.append(VERDICT)
    if st.session_state.get("colour") not in known:
        st.session_state.pop("colour", None)
    picked = st.segmented_control(
        "Coloured by",
        known,
        default=CLASS,
        required=True,
        key="colour",
        bind="query-params",
        help="More appears when margins are known or the images were attacked.",
    )
    return str(picked)


def coloured(run: Run, chosen: Selection, clean: pd.DataFrame, by: str) -> tuple[pd.DataFrame, str]:
    """(points with what their colour tells, what is seen in a sentence).

    clean: reader.embedding_points without twins. Columns of the answer: x, y, id, class, value,
    said.
    """
    classes = data.value(reader.class_names, run.store)
    table = pd.DataFrame(
        {
            "x": clean["x"].to_numpy(float),
            "y": clean["y"].to_numpy(float),
            "id": clean["idx"].to_numpy(int),
            "class": [classes[int(label)] for label in clean["label"]],
        }
    )
    wrong = ~clean["ok"].astype(bool).to_numpy()
    if by == CLASS:
        said = np.where(
            wrong, [f"taken for {classes[int(p)]}" for p in clean["pred"]], "classified correctly"
        )
        finding = f"{int(wrong.sum()):,} of {len(wrong):,} images are misclassified."
        return table.assign(value=table["class"], said=said), finding
    if by == MARGIN:
        return _by_margin(run, chosen, table)
    return _by_change(run, table) if by == CHANGE else _by_verdict(run, chosen.asked.split, table)


def _by_margin(run: Run, chosen: Selection, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    asked = chosen.asked
    rows = data.read(everything, run.store, asked.split, asked.epoch, asked.estimate).set_index(
        "idx"
    )["margin_255"]
    every, table = (
        len(table),
        table.assign(value=table["id"].map(rows).astype(float)).dropna(subset="value"),
    )
    said = [f"margin {value:.1f}/255" for value in table["value"]]
    finding = (
        f"The median margin of {len(table):,} images is {table['value'].median():.1f}/255, found"
        f" and reached ones together; {every - len(table):,} are misclassified, or nobody has"
        " measured them, and have no colour."
    )
    return table.assign(said=said), finding


def _by_change(run: Run, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    start, end = selected.between(run)
    flow = data.read(reader.flow, run.store, start, end)
    change = pd.Series(
        255 * (flow["after"] - flow["before"]).to_numpy(float), flow["idx"].to_numpy()
    )
    every, table = len(table), table.assign(value=table["id"].map(change)).dropna(subset="value")
    said = [f"margin {value:+.1f}/255 from epoch {start} to {end}" for value in table["value"]]
    grew = 100 * float((table["value"] > 0).mean())
    return (
        table.assign(said=said),
        f"From epoch {start} to {end} {grew:.0f} % of the margins of {len(table):,} images"
        f" grew; {every - len(table):,} were misclassified in one of the two and have no"
        " colour.",
    )


def _by_verdict(run: Run, split: str, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    eps = max(selected.levels(run, split).values())
    outcomes = data.read(reader.outcomes, run.store, split, eps)
    judge = agreement.judges(outcomes)[0]
    one = agreement.judged_by(outcomes, judge).set_index("idx")
    words = np.where(one["ok"], WITHSTOOD, np.where(one["broken_by"] == "clean", WRONG, BROKEN))
    verdict = table["id"].map(pd.Series(words, one.index)).fillna(UNSEEN)
    by = f"{export.attack_title(judge.name, judge.note)} at {show_level(eps)}"
    counts = verdict.value_counts()
    finding = (
        f"Under {by}, {counts.get(WITHSTOOD, 0):,} images withstand and {counts.get(BROKEN, 0):,}"
        " are broken."
    )
    return table.assign(value=verdict, said=[f"{word} ({by})" for word in verdict]), finding


def layers(
    table: pd.DataFrame, by: str, classes: tuple[str, ...]
) -> tuple[list[Layer], Scale | None]:
    """The points as the chart takes them: a layer for each word, or one layer and a scale for
    numbers."""
    if by in (CLASS, VERDICT):
        palette = {name: basic.PALETTE[k % len(basic.PALETTE)] for k, name in enumerate(classes)}
        # a class keeps its colour whichever images are selected
        colours = VERDICTS if by == VERDICT else palette
        there = set(table["value"])
        return [
            Layer(name, table[table["value"] == name], c)
            for name, c in colours.items()
            if name in there
        ], None
    high = float(table["value"].abs().max()) if len(table) else 1.0
    scale = (
        Scale("margin (1/255)", 0.0, high, embedding.RISING)
        if by == MARGIN
        else Scale("change (1/255)", -high, high, embedding.AROUND_ZERO)
    )
    return [Layer(by, table)], scale
