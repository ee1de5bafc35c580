"""Does a margin predict what an attack does? Shares, a table of four, and a curve."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
import streamlit as st

from smd import export
from smd.analysis import agreement
from smd.analysis.agreement import Crosstab
from smd.core.kinds import FOUND
from smd.runs.folders import Run
from smd.units import UNIT, level_title

from ..charts import agreement as charts
from ..components import downloads, gallery, layout

KINDS: dict[agreement.Kind, str] = {
    "overestimated": "margin says safe, attack fooled the network",
    "underestimated": "margin says unsafe, attack failed",
}


class Compared(NamedTuple):
    """Margins of images beside what one attack did to these."""

    run: Run
    rows: pd.DataFrame  # smd.analysis.agreement.joined
    left_out: int  # misclassified images
    split: str
    eps: float  # noise level of the attack, unit of x
    norm: str
    attack: str  # title

    @property
    def level(self) -> str:
        """The noise level as it is written."""
        return level_title(self.eps, self.norm)


@dataclass(frozen=True)
class Share:
    """A share of images (%), or a count; `{level}` and `{n}` in its text are filled in."""

    title: str
    value: Callable[[Crosstab], float]
    text: str


SHARES = (
    Share(
        "agreement",
        lambda table: table.agreement,
        "They end as their margin says. Of the {n} decided images.",
    ),
    Share(
        agreement.NAMED["overestimated"],
        lambda table: table.overestimated,
        "No boundary was met within {level}, yet the attack crossed one there. Of the {n} decided"
        " images.",
    ),
    Share(
        agreement.NAMED["underestimated"],
        lambda table: table.underestimated,
        "A boundary was met within {level}, yet the attack crossed none: it missed it, or the"
        " training has moved it since. Of the {n} decided images.",
    ),
)
COUNTS = (
    Share(
        "decided",
        lambda table: table.n,
        "Correct without noise, and a boundary was found, or none was met by a search that went as"
        " far as {level}.",
    ),
    Share(
        "undecided",
        lambda table: table.undecided,
        "Left out: their search ended below {level} and met no boundary, so their margin says"
        " nothing about it.",
    ),
)
LEFT_OUT = "Left out: these are wrong without noise, so they have no margin."


def section(compared: Compared) -> None:
    """How well margins and attack agree."""
    table = agreement.crosstab(compared.rows, compared.eps)
    st.header(f"Does the margin predict {compared.attack} at {compared.level}?")
    if not table.n:
        st.info(nothing_decided(table.undecided, compared.level), icon=":material/info:")
        return
    layout.figures(figures(table, compared))
    layout.cards(counts(table, compared))
    st.caption(composed(compared.rows, compared.eps, compared.level))
    grid = layout.pair()
    with grid.cell():
        four_cells(table, compared)
    with grid.cell():
        by_margin(table, compared)


def nothing_decided(undecided: int, level: str) -> str:
    """Why no image says anything."""
    if undecided:
        return (
            f"Nothing is decided: for all {undecided:,} images the search ended below {level}"
            " without a boundary."
        )
    return "No image has both a margin and a verdict: attack the images whose margins these are."


def figures(table: Crosstab, compared: Compared) -> list[layout.Figure]:
    """The shares, each with n and its interval."""
    return [
        layout.Figure(
            one.title,
            f"{(share := one.value(table)):.1f} %",
            f"95 % interval {export.interval(share / 100, table.n)}, n = {table.n:,}",
            _text(one, compared, table),
        )
        for one in SHARES
    ]


def counts(table: Crosstab, compared: Compared) -> list[layout.Card]:
    """How many images the shares are of, and how many they are not of."""
    shown = [
        layout.Card(one.title, f"{one.value(table):,}", _text(one, compared, table))
        for one in COUNTS
    ]
    return [*shown, layout.Card("misclassified", f"{compared.left_out:,}", LEFT_OUT)]


def _text(one: Share, compared: Compared, table: Crosstab) -> str:
    return one.text.format(level=compared.level, n=f"{table.n:,}")


def four_cells(table: Crosstab, compared: Compared) -> None:
    """Margin beyond the level or not, against robust or fooled."""
    st.markdown(
        f"**{table.agreement:.1f} % of {table.n:,} decided images end as their margin says**"
    )
    chart = charts.crosstab(table.table, compared.eps, compared.norm)
    st.altair_chart(
        chart,
        key="crosstab",
        alt=f"Margin > {compared.level} or not against robust or fooled; {table.agreement:.1f} %"
        " agree.",
    )
    exported = agreement.exported(compared.rows, compared.eps)
    downloads.of_table(exported, f"{compared.run.id}-agreement", chart=chart)


def by_margin(table: Crosstab, compared: Compared) -> None:
    """The share of robust images in bins of their margin."""
    beyond, within = (robust(table.table, side) for side in (True, False))
    level = compared.level
    st.markdown(f"**Robust: {beyond} with a margin > {level}, {within} of the others**")
    met = compared.rows[compared.rows["kind"] == FOUND]
    if met.empty:
        st.caption(
            "No boundary was found for any of these images, so there is no margin to draw them at."
        )
        return
    bins = calibrated(met, compared.eps, compared.norm)
    chart = charts.calibration(bins, compared.eps, compared.norm)
    st.altair_chart(
        chart,
        key="calibration",
        alt=f"Share that is robust to {compared.attack} by margin; {beyond} beyond {level},"
        f" {within} up to it.",
    )
    st.caption(
        f"{len(met):,} image{'s' * (len(met) != 1)} whose boundary was found, by its distance;"
        " where a search met none there is no distance to draw. Bars are 95 % intervals. An"
        " ideal margin makes the dotted step."
    )
    downloads.of_table(bins, f"{compared.run.id}-calibration", chart=chart)


def composed(rows: pd.DataFrame, eps: float, level: str) -> str:
    """What the decided images are decided by, and what became of the others."""
    known = agreement.decided(rows, eps)
    met, ok = int((known["kind"] == FOUND).sum()), rows["ok"].astype(bool)
    others = ok[~rows.index.isin(known.index)]
    said = (
        f"Decided: {met:,} by a boundary that was found, {len(known) - met:,} as none was met up to"
        f" {level}."
    )
    if others.empty:
        return said
    return (
        f"{said} Undecided: {len(others):,} whose search met no boundary and ended below {level};"
        f" {others.sum():,} of them are robust, {(~others).sum():,} were fooled, and neither speaks"
        " for or against their margin."
    )


def calibrated(known: pd.DataFrame, eps: float, norm: str) -> pd.DataFrame:
    """Bins in 1/255; of L2 margins as lengths, in steps of an eighth of the level, so that it is an
    edge."""
    if norm == "Linf":
        return agreement.calibration(known)
    bins = agreement.calibration(known, unit=eps / 8)
    return bins.assign(low=bins["low"] * eps / 8, high=bins["high"] * eps / 8)


def robust(table: pd.DataFrame, beyond: bool) -> str:
    """The share of robust images among those on one side of the level."""
    side = table[table["beyond"] == beyond]
    total = int(side["n"].sum())
    kept = int(side.loc[side["withstood"], "n"].sum())
    return f"{100 * kept / total:.1f} % ({kept:,} of {total:,})" if total else "none"


def disagreements(compared: Compared) -> None:
    """The images where margin and attack contradict each other."""
    st.header("Where margin and attack disagree")
    kind = st.segmented_control(
        "Kind",
        list(KINDS),
        default="overestimated",
        required=True,
        format_func=KINDS.__getitem__,
        key="kind",
        bind="query-params",
        label_visibility="collapsed",
    )
    rows = agreement.disagreeing(compared.rows, compared.eps, kind)
    if rows.empty:
        st.caption("No image does.")
        return
    st.caption(
        f"{len(rows):,} image{'s' * (len(rows) != 1)}, those whose margin is farthest from"
        f" {compared.level} first; margins in {UNIT[compared.norm]}."
    )
    margin = rows["margin"].astype(float)
    own = (
        {"margin_255": (255 * margin).round(2)}
        if compared.norm == "Linf"
        else {"margin_l2": margin.round(3)}
    )
    shown = pd.DataFrame({"idx": rows["idx"], **own}).assign(broken_by=rows["broken_by"])
    gallery.show(compared.run, shown, compared.split, kind)
