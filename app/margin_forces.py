"""The theory made visible: do local densities at the boundary move it, as Theorem 3.1's argument says? (Sec. 3.1)

Noisy images of two classes press on the boundary between them from both sides. Where one class has more of them
there, the boundary moves towards the other: margins of the first grow, those of the second shrink, until the
densities are equal.
"""

import class_margins
import data
import margin_charts
import pandas as pd
import streamlit as st
import ui

from smd.runs import Run
from smd.store import reader

THEORY = (
    "Every noisy image that meets the decision boundary presses on it. Where one class has more of them than its "
    "neighbours, the boundary should move away from it: **its margins grow in the next epoch, those of the others "
    "shrink**, until all press alike. This is the argument behind Theorem 3.1; here is what this run did."
)
DRAWN = 40  # epochs
FEW = 3  # points through which a line can be drawn
CLEAR = 0.1  # a correlation below this says nothing


def section(run: Run) -> None:
    """Pressure of each class over the epochs, what followed from it, and the densities themselves."""
    classes = data.value(reader.class_names, run.store)
    summary = class_margins.named(data.read(reader.class_summary, run.store), classes)
    pressed = pressures(summary)
    st.subheader("Which class presses on the boundary")
    st.markdown(THEORY)
    if pressed.empty:
        st.info("No exploration has met the boundary yet.", icon=":material/hourglass_top:")
        return
    order = list(dict.fromkeys(summary["class"]))
    spread = pressed.groupby("epoch")["relative"].std()
    grid = ui.pair()
    with grid.cell():
        st.markdown(f"**{evenness(spread)}**")
        st.altair_chart(margin_charts.pressure(thinned(pressed), order), key="pressure", alt=f"{evenness(spread)}.")
    follows = consequences(pressed)
    with grid.cell():
        if len(follows) < FEW:
            st.info("What followed from it can be told after some more epochs.", icon=":material/hourglass_top:")
        else:
            words = verdict(follows)
            st.markdown(f"**{words}**")
            st.altair_chart(margin_charts.forces(thinned(follows), order), key="forces", alt=f"{words}.")
            st.caption(
                "A point is a class in an epoch, the line their least-squares fit. Pressure: images at the boundary, "
                "over the mean of the classes. Gained: change of the class's mean margin, less that of all classes."
            )
    ui.downloads(follows.drop(columns="label"), f"{ui.name(run.id)}-forces")
    densities(run, classes, order)


def thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """Some epochs of many, evenly spread: a browser draws them in a moment. What is said is said of all of them."""
    every = -(-int(rows["epoch"].max()) // DRAWN)
    return rows[rows["epoch"] % every == 0]


def pressures(summary: pd.DataFrame) -> pd.DataFrame:
    """How much each class presses: summary and relative, its images at the boundary over the classes' mean."""
    mean = summary.groupby("epoch")["at_boundary"].transform("mean")
    found = summary[mean > 0]
    return found.assign(relative=found["at_boundary"] / mean[mean > 0])


def consequences(pressed: pd.DataFrame) -> pd.DataFrame:
    """Pressure beside what the next epoch did: change is that of the mean margin, less that of all classes (1/255)."""
    rows = pressed.sort_values(["label", "epoch"])
    after, following = (rows.groupby("label")[name].shift(-1) for name in ("mean", "epoch"))
    rows = rows.assign(change=255 * (after - rows["mean"]))[following == rows["epoch"] + 1]
    rows["change"] -= rows.groupby("epoch")["change"].transform("mean")
    return rows[["epoch", "label", "class", "n", "at_boundary", "relative", "change"]]


def evenness(spread: "pd.Series[float]") -> str:
    """Whether the densities come closer to each other, as they should."""
    third = max(1, len(spread) // 3)
    first, last = float(spread.iloc[:third].mean()), float(spread.iloc[-third:].mean())
    how = (
        "come closer to each other" if last < 0.9 * first else "drift apart" if last > 1.1 * first else "stay as uneven"
    )
    return f"The classes {how}: spread {first:.2f} in the first third of the epochs, {last:.2f} in the last"


def verdict(follows: pd.DataFrame) -> str:
    """What pressure was followed by, with the correlation over all classes and epochs."""
    if follows["relative"].nunique() < 2 or follows["change"].nunique() < 2:
        return "Nothing to correlate: all classes are alike"
    r = float(follows["relative"].corr(follows["change"]))
    how = "Classes that press more grow" if r > CLEAR else "Classes that press more shrink" if r < -CLEAR else "No link"
    return f"{how}: correlation {r:+.2f} over {len(follows):,} points; the theory expects it above 0"


def densities(run: Run, classes: tuple[str, ...], order: list[str]) -> None:
    """Each class's distribution of margins over the epochs."""
    rows = class_margins.named(data.read(reader.class_density, run.store), classes)
    if rows.empty:
        return
    st.subheader("How each class's margins are spread, epoch by epoch")
    st.caption(
        "The stronger the colour, the larger the share of the class at that margin; all panels have the same scale."
    )
    high = rows["low"] + rows["width"]
    ends = (float(rows["epoch"].max()), float(high.max()), 100 * float(rows["density"].max()))

    def draw(name: str) -> None:
        own = rows[rows["class"] == name]
        last = own[own["epoch"] == own["epoch"].max()]
        at = float(last.loc[last["density"].idxmax(), "low"])
        st.altair_chart(
            margin_charts.density(own, ends), key=f"density-{name}",
            alt=f"Margins of {name} over the epochs; in the end most are from {at:.0f}/255 on.",
        )  # fmt: skip

    class_margins.small_multiples(order, draw, "densities-page")
