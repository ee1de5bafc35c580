"""What the colours of an embedding tell: class, margin, change of the margin, or the verdict of an
attack."""

import numpy as np
import pandas as pd
import streamlit as st

from smd import export
from smd.store import reader
from smd.units import level_title

from .. import data
from ..charts import embedding, style
from ..charts.embedding import Layer, Scale
from ..components.plain import class_name
from ..selection import changes, image_query, lengths, verdicts
from ..selection.selected import Selection
from ..selection.verdicts import FOOLED, ROBUST, WRONG

CLASS, MARGIN, CHANGE, VERDICT = "class", "margin", "change of margin", "verdict"
UNSEEN = "not attacked"  # these images stay faded
VERDICTS = {ROBUST: "#1a8a94", FOOLED: "#c8641f", WRONG: "#9c5a96"}


def choose(chosen: Selection) -> str:
    """One of the colourings that the run's store allows, kept in the address."""
    source, known = chosen.source, [CLASS]
    if source:
        known.append(MARGIN)
    if source and not source.estimate and chosen.known.changes and len(chosen.known.epochs) > 1:
        known.append(CHANGE)
    if chosen.known.levels:
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


def coloured(chosen: Selection, clean: pd.DataFrame, by: str) -> tuple[pd.DataFrame, str]:
    """(points with what their colour tells, what is seen in a sentence).

    clean: reader.embedding_points without adversarial ones. Columns of the answer: x, y, id, class,
    value, said.
    """
    classes = chosen.known.classes
    table = pd.DataFrame(
        {
            "x": clean["x"].to_numpy(float),
            "y": clean["y"].to_numpy(float),
            "id": clean["idx"].to_numpy(int),
            "class": [classes[int(label)] for label in clean["label"]],
        }
    )
    if by == CLASS:
        return _by_class(chosen, clean, table)
    return {MARGIN: _by_margin, CHANGE: _by_change, VERDICT: _by_verdict}[by](chosen, table)


def _by_class(
    chosen: Selection, clean: pd.DataFrame, table: pd.DataFrame
) -> tuple[pd.DataFrame, str]:
    wrong = ~clean["ok"].astype(bool).to_numpy()
    taken = [f"taken for {class_name(chosen.known.classes, p)}" for p in clean["pred"]]
    said = np.where(wrong, taken, "classified correctly")
    finding = f"{int(wrong.sum()):,} of {len(wrong):,} images are misclassified."
    return table.assign(value=table["class"], said=said), finding


def _by_margin(chosen: Selection, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    meant = chosen.filters
    asked = meant.split, meant.epoch, meant.estimate, meant.norm
    rows = data.read(image_query.everything, chosen.run.store, *asked)
    every, table = len(table), _valued(table, rows.set_index("idx")[lengths.MARGIN[meant.norm]])
    said = [f"margin {_shown(value, meant.norm)}" for value in table["value"]]
    finding = (
        f"The median margin of {len(table):,} images is"
        f" {_shown(table['value'].median(), meant.norm)}, found and reached ones together;"
        f" {every - len(table):,} are misclassified, or were not"
        " measured, and have no colour."
    )
    return table.assign(said=said), finding


def _by_change(chosen: Selection, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    start, end = chosen.filters.between
    norm = chosen.filters.norm
    rows = data.read(changes.between_epochs, chosen.run.store, start, end, norm)
    every, table = len(table), _valued(table, rows.set_index("idx")[lengths.CHANGE[norm]])
    said = [
        f"margin {_shown(value, norm, '+')} from epoch {start} to {end}" for value in table["value"]
    ]
    grew = 100 * float((table["value"] > 0).mean())
    finding = (
        f"From epoch {start} to {end} {grew:.0f} % of the margins of {len(table):,} images grew;"
        f" {every - len(table):,} were misclassified in one of the two, or not drawn, and"
        " have no colour."
    )
    return table.assign(said=said), finding


def _shown(value: float, norm: str, sign: str = "") -> str:
    """A margin, or its change, as the chart's scale counts it."""
    return f"{value:{sign}.1f}/255" if norm == "Linf" else f"{value:{sign}.3f} {norm}"


def _valued(table: pd.DataFrame, values: "pd.Series[float]") -> pd.DataFrame:
    """The points that have a value, with it; values: by idx."""
    return table.assign(value=table["id"].map(values).astype(float)).dropna(subset="value")


def _by_verdict(chosen: Selection, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    eps, norm = max(chosen.known.levels.values()), chosen.known.norm
    outcomes = data.read(reader.outcomes, chosen.run.store, chosen.split, eps, norm)
    settings, rows = verdicts.strongest(outcomes)
    verdict = table["id"].map(verdicts.words(rows)).fillna(UNSEEN)
    title = export.attack_title(settings.name, settings.note, settings.steps)
    by = f"{title} at {level_title(eps, norm)}"
    counts = verdict.value_counts()
    finding = (
        f"Under {by}, {counts.get(ROBUST, 0):,} images are robust and {counts.get(FOOLED, 0):,}"
        " are fooled."
    )
    return table.assign(value=verdict, said=[f"{word} ({by})" for word in verdict]), finding


def layers(
    table: pd.DataFrame, by: str, classes: tuple[str, ...], norm: str = "Linf"
) -> tuple[list[Layer], Scale | None]:
    """The points as the chart takes them: a layer for each word, or one layer and a scale for
    numbers, which are margins in that norm."""
    if by in (CLASS, VERDICT):
        palette = {name: style.PALETTE[k % len(style.PALETTE)] for k, name in enumerate(classes)}
        # a class keeps its colour whichever images are selected
        colours = VERDICTS if by == VERDICT else palette
        present = set(table["value"].unique())
        there = [name for name in colours if name in present]
        return [Layer(n, table[table["value"] == n], colours[n]) for n in there], None
    high = float(table["value"].abs().max()) if len(table) else 1.0
    if by == MARGIN:
        return [Layer(by, table)], Scale(style.margin(norm), 0.0, high, embedding.RISING)
    title = f"change ({'1/255' if norm == 'Linf' else norm})"
    scale = Scale(title, -high, high, embedding.AROUND_ZERO)
    return [Layer(by, table)], scale
