"""Is a class that presses more on the decision boundary spared by it? (Theorem 3.1, Sec. 3.1)

What is said comes with its null: smd.analysis.forces shifts the series of the run itself against
each other, so that a network that does not change, or one that goes its way whoever presses, gives
no evidence.
"""

from pathlib import Path

import pandas as pd
import streamlit as st

from smd.analysis import forces
from smd.analysis.forces import FEWEST_IMAGES, Link
from smd.runs.folders import Run
from smd.store import reader

from .. import data
from ..charts import forces as force_charts
from ..components import downloads, layout, run_names
from . import class_margins, force_words

THEORY = (
    "The argument behind Theorem 3.1: where one class has more noisy images at the decision"
    " boundary than its neighbours, the boundary **shifts away from that class**, until the local"
    " densities are equal. The paper argues about small regions of the boundary; what can be seen"
    " here are whole classes, so a link that is missing here refutes nothing."
)
MEASURED = (
    "Pressure: a class's images at the boundary in an epoch, over the mean of the classes. Held:"
    " the share of these same images that are correct and not taken across again by the next"
    " epoch's search, which goes as far as the boundary that was found: for them the boundary has"
    " not come nearer. Each image is compared with its own mean, so only those count that are at"
    " the boundary in more than one epoch, in each of these; what is usual for the class and the"
    " epoch is taken off too. A point is a class in an epoch, its size its images, the line their"
    " weighted least-squares fit. By chance: 95 % of {shifts} random shifts of the classes'"
    " pressures against what followed, round in a circle. A link is no cause: a boundary that has"
    " come near by chance is met by more images, and also goes back."
)

DRAWN = (
    "What followed can be told only where every epoch draws each image once: this run draws classes"
    " equally often, so a rare class's images are searched several times an epoch, and of the"
    " others many are not searched in the next one."
)


def section(run: Run) -> None:
    """Pressure of each class over the epochs, what followed from it, and how margins are spread."""
    classes = data.value(reader.class_names, run.store)
    summary = class_margins.named(data.read(reader.class_found, run.store), classes)
    st.header("Which class presses on the boundary")
    st.markdown(THEORY)
    n = int(summary["found"].sum())
    if n < FEWEST_IMAGES:
        st.info(force_words.too_few(n), icon=":material/hourglass_top:")
        return
    order = list(dict.fromkeys(summary.sort_values("label")["class"]))
    grid = layout.pair()
    most = force_words.drawn(summary)
    with grid.cell():
        pressing(force_words.pressures(summary), most, len(order))
    with grid.cell():
        following(run, classes, most)
    densities(run, classes, order)


def pressing(pressed: pd.DataFrame, most: list[str], classes: int) -> None:
    """How the pressures of the classes in `most` went."""
    words = force_words.evenness(pressed)
    st.markdown(f"**{words}**")
    if pressed.empty:
        return
    st.altair_chart(
        force_charts.pressure(force_words.thinned(pressed), most), key="pressure", alt=f"{words}."
    )
    part = (
        f"Drawn: the {len(most)} classes of {classes} with the most images there. "
        if len(most) < classes
        else ""
    )
    st.caption(
        f"{part}Unevenness: the standard deviation of the classes' pressures beyond what counting"
        f" so few images makes; 0 where all press alike. Only epochs with at least {FEWEST_IMAGES}"
        " images at the boundary count."
    )


def following(run: Run, classes: tuple[str, ...], most: list[str]) -> None:
    """What followed from pressure."""
    if run.config.balance == "sampling":
        st.info(DRAWN, icon=":material/info:")
        return
    table = data.read(reader.at_boundary, run.store)
    if not force_words.told(table):
        st.info(force_words.not_told(table), icon=":material/hourglass_top:")
        return
    if run.config.defense != "smd":
        st.info(
            "What followed can be told for SMD alone: only its next search goes just as far as the"
            " boundary that the last one found.",
            icon=":material/info:",
        )
        return
    epochs, link = data.value(_linked, run.store, len(classes))
    points = force_words.follows(table, link, epochs, classes)
    words = force_words.verdict(link)
    st.markdown(f"**{words}**")
    chart = force_charts.forces(force_words.thinned(points), most)
    st.altair_chart(chart, key="forces", alt=f"{words}.")
    st.caption(MEASURED.format(shifts=forces.SHIFTS))
    downloads.of_table(points, f"{run_names.link(run.id)}-forces", chart=chart)


def _linked(store: Path, classes: int) -> tuple[list[int], Link]:
    """For the cache: the random shifts take a moment."""
    return force_words.linked(data.read(reader.at_boundary, store), classes)


def densities(run: Run, classes: tuple[str, ...], order: list[str]) -> None:
    """Each class's distribution of margins over the epochs."""
    rows = class_margins.named(data.read(reader.class_density, run.store), classes)
    if rows.empty:
        return
    st.header("How each class's margins are spread, epoch by epoch")
    st.caption(
        "Of correctly classified images, found and reached margins together. The stronger the"
        " colour, the larger the share of the class at that margin; all panels have the same scale."
    )
    high = rows["low"] + rows["width"]
    ends = (float(rows["epoch"].max()), float(high.max()), 100 * float(rows["density"].max()))

    def draw(name: str) -> None:
        own = rows[rows["class"] == name]
        if own.empty:
            st.caption("No image of this class has been classified correctly.")
            return
        last = own[own["epoch"] == own["epoch"].max()]
        at = float(last.loc[last["density"].idxmax(), "low"])
        st.altair_chart(
            force_charts.density(own, ends),
            key=f"density-{name}",
            alt=f"Margins of {name} over the epochs; in the end most are from {at:.0f}/255 on.",
        )

    class_margins.small_multiples(order, draw, "densities-page")
