"""The theory made visible.

Is a class that presses more on the boundary spared by it? (Theorem 3.1, Sec. 3.1)

What is said comes with its null: smd.analysis.forces shifts the series of the run itself against
each other, so that a network that does not change, or one that goes its way whoever presses, gives
no evidence.
"""

import pandas as pd
import streamlit as st

from smd.analysis import forces
from smd.analysis.forces import FEWEST_EPOCHS, FEWEST_IMAGES, Link
from smd.runs.folders import Run
from smd.store import reader

from .. import data
from ..charts import forces as force_charts
from ..components import ui
from . import class_margins

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
DRAWN = 40  # epochs


def section(run: Run) -> None:
    """Pressure of each class over the epochs, what followed from it, and how margins are spread."""
    classes = data.value(reader.class_names, run.store)
    summary = class_margins.named(data.read(reader.class_summary, run.store), classes)
    st.subheader("Which class presses on the boundary")
    st.markdown(THEORY)
    n = int(summary["found"].sum())
    if n < FEWEST_IMAGES:
        st.info(too_few(n), icon=":material/hourglass_top:")
        return
    order = list(dict.fromkeys(summary.sort_values("label")["class"]))
    grid = ui.pair()
    most = drawn(summary)
    with grid.cell():
        pressing(pressures(summary), most, len(order))
    with grid.cell():
        following(run, classes, most)
    densities(run, classes, order)


def too_few(n: int) -> str:
    """Why nothing is said of densities."""
    return (
        f"{n} noisy images have met the boundary so far, each counted in every epoch in which it"
        f" did: too few to say anything about their densities there. {FEWEST_IMAGES} are needed."
    )


def drawn(summary: pd.DataFrame) -> list[str]:
    """The classes that have a colour of their own: those with the most images at the boundary, by
    label."""
    total = summary.groupby(["label", "class"])["found"].sum()
    return list(total.nlargest(force_charts.MOST).sort_index().index.get_level_values("class"))


def pressing(pressed: pd.DataFrame, most: list[str], classes: int) -> None:
    """How the pressures of the classes in `most` went."""
    words = evenness(pressed)
    st.markdown(f"**{words}**")
    if pressed.empty:
        return
    st.altair_chart(force_charts.pressure(thinned(pressed), most), key="pressure", alt=f"{words}.")
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
    table = data.read(reader.at_boundary, run.store)
    if not told(table):
        st.info(not_told(table), icon=":material/hourglass_top:")
        return
    if run.config.defense != "smd":
        st.info(
            "What followed can be told for SMD alone: only its next search goes just as far as the"
            " boundary that the last one found.",
            icon=":material/info:",
        )
        return
    epochs, link = linked(table, len(classes))
    points = follows(table, link, epochs, classes)
    words = verdict(link)
    st.markdown(f"**{words}**")
    st.altair_chart(force_charts.forces(thinned(points), most), key="forces", alt=f"{words}.")
    st.caption(MEASURED.format(shifts=forces.SHIFTS))
    ui.downloads(points, f"{ui.name(run.id)}-forces")


def thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """Some epochs of many, evenly spread: a browser draws them in a moment. What is said is said of
    all of them."""
    every = -(-int(rows["epoch"].max()) // DRAWN)
    return rows[rows["epoch"] % every == 0]


def pressures(summary: pd.DataFrame) -> pd.DataFrame:
    """How much each class presses.

    Summary and relative, its images at the boundary over the classes' mean.

    Only epochs with enough images there to tell.
    """
    total = summary.groupby("epoch")["found"].transform("sum")
    enough = summary[total >= FEWEST_IMAGES]
    return enough.assign(
        relative=enough["found"] / enough.groupby("epoch")["found"].transform("mean")
    )


def counted(rows: pd.DataFrame, name: str, classes: int) -> pd.DataFrame:
    """A column of counts as epochs by classes, 0 where there is no row; rows: epoch, label and the
    column."""
    table = rows.pivot(index="epoch", columns="label", values=name)
    return table.reindex(columns=range(classes)).fillna(0).astype(float)


def told(table: pd.DataFrame) -> bool:
    """Whether there are epochs and images enough to say what followed."""
    return (
        table["epoch"].nunique() >= FEWEST_EPOCHS and int(table["repeated"].sum()) >= FEWEST_IMAGES
    )


def not_told(table: pd.DataFrame) -> str:
    """Why it is not said what followed."""
    epochs, images = table["epoch"].nunique(), int(table["repeated"].sum())
    return (
        f"What followed cannot be told yet: it takes {FEWEST_EPOCHS} epochs with images at the"
        f" boundary and one after them, and {FEWEST_IMAGES} images that are there in more than one;"
        f" so far there are {epochs} and {images}."
    )


def linked(table: pd.DataFrame, classes: int) -> tuple[list[int], Link]:
    """The link and its epochs; table: as from reader.at_boundary."""
    tables = [counted(table, name, classes) for name in ("found", "repeated", "surplus")]
    return list(tables[0].index), forces.link(*(each.to_numpy() for each in tables))


def follows(
    table: pd.DataFrame, link: Link, epochs: list[int], classes: tuple[str, ...]
) -> pd.DataFrame:
    """A row for each class and epoch with repeated images.

    What was counted, and less what is usual.

    Columns: epoch, class, found, repeated, held (images), pressure (1 = mean), held_percent, both
    less what is usual.
    """
    table = table[table["repeated"] > 0]
    at = (
        pd.Series(range(len(epochs)), index=epochs)[table["epoch"]].to_numpy(),
        table["label"].to_numpy(),
    )
    rows = class_margins.named(table, classes)[["epoch", "class", "found", "repeated", "held"]]
    return rows.assign(pressure=link.pressure[at], held_percent=100 * link.held[at])


def evenness(pressed: pd.DataFrame) -> str:
    """How unevenly the classes press, at the beginning and at the end; pressed: as from
    `pressures`."""
    if pressed.empty:
        return (
            f"No epoch has {FEWEST_IMAGES} images at the boundary, too few to say how evenly the"
            " classes press"
        )
    found = counted(pressed, "found", int(pressed["label"].max()) + 1)
    third = max(1, len(found) // 3)
    (first, n), (last, m) = (
        (forces.unevenness(part.to_numpy()), int(part.to_numpy().sum()))
        for part in (found[:third], found[-third:])
    )
    if len(found) == 1:
        return f"Unevenness {last:.2f} in epoch {found.index[0]}, with {m:,} images at the boundary"
    return (
        f"Unevenness {first:.2f} in the first third of {len(found)} epochs, {last:.2f} in the last,"
        f" with {n:,} and {m:,} images at the boundary"
    )


def verdict(link: Link) -> str:
    """What pressure was followed by: r, what chance makes, and of how many images."""
    if link.r != link.r:
        return (
            f"Nothing to correlate: {link.n:,} images at the boundary, and all classes or all that"
            " followed are alike"
        )
    how = {
        1: "More pressure went with a boundary that gave way",
        0: "No evidence that pressure moves the boundary",
        -1: "More pressure went with a boundary that came nearer, against the argument",
    }[link.sign]
    where = "outside" if link.sign else "inside"
    band = f"{link.low:+.2f} to {link.high:+.2f}"
    return (
        f"{how}: r = {link.r:+.2f}, {where} what chance makes here ({band}, 95 %); {link.n:,}"
        " images at the boundary"
    )


def densities(run: Run, classes: tuple[str, ...], order: list[str]) -> None:
    """Each class's distribution of margins over the epochs."""
    rows = class_margins.named(data.read(reader.class_density, run.store), classes)
    if rows.empty:
        return
    st.subheader("How each class's margins are spread, epoch by epoch")
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
