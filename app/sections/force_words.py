"""Pressure on the boundary in figures and sentences: how evenly the classes press, what followed;
knows no Streamlit."""

import pandas as pd

from smd.analysis import forces
from smd.analysis.forces import FEWEST_EPOCHS, FEWEST_IMAGES, Link

from ..charts import forces as force_charts
from . import class_margins

DRAWN = 40  # epochs


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
    found, *others = (counted(table, name, classes) for name in ("found", "repeated", "surplus"))
    repeated, surplus = (each.to_numpy() for each in others)
    return list(found.index), forces.link(found.to_numpy(), repeated, surplus)


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
    counts = counted(pressed, "found", int(pressed["label"].max()) + 1)
    third = max(1, len(counts) // 3)
    (first, n), (last, m) = (
        (forces.unevenness(part.to_numpy()), int(part.to_numpy().sum()))
        for part in (counts[:third], counts[-third:])
    )
    if len(counts) == 1:
        return (
            f"Unevenness {last:.2f} in epoch {counts.index[0]}, with {m:,} images at the boundary"
        )
    return (
        f"Unevenness {first:.2f} in the first third of {len(counts)} epochs, {last:.2f} in the"
        f" last, with {n:,} and {m:,} images at the boundary"
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
