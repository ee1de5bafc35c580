"""The attacks that a run's store has, and which of them a page holds margins against."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from smd import export
from smd.analysis import agreement
from smd.config.notes import noted
from smd.runs.folders import Run
from smd.store import reader
from smd.units import epsilon, level_title

from .. import data
from . import disagreement

FINAL = "final-train"  # the job that attacks some training images at the end of a training


@dataclass(frozen=True)
class Attacks:
    """The attacks on a run's network at noise levels above 0, as reader.attack_runs has them."""

    rows: pd.DataFrame

    def on(self, split: str, norm: str, weights: str = "last") -> pd.DataFrame:
        """Those on images of a split: on some that were picked only where there are no others.

        weights: "last", or "ema" for those on the network with its averaged weights.
        """
        rows = self.of(weights)
        here = rows[(rows["split"] == split) & (rows["norm"] == norm)]
        return here if here["picked"].all() else here[~here["picked"]]

    def of(self, weights: str) -> pd.DataFrame:
        """Those on the network with these weights."""
        averaged = noted(self.rows["note"], reader.AVERAGED)
        return self.rows[averaged == (weights == "ema")]

    def newest(self, weights: str = "last") -> tuple[str, str]:
        """The split and norm of the newest one, of one on evenly drawn images if there is any."""
        rows = self.of(weights)
        even = rows[~rows["picked"]]
        last = (even if len(even) else rows).iloc[-1]
        return str(last["split"]), str(last["norm"])


def of(run: Run) -> Attacks:
    """What the run's store has."""
    table = data.read(reader.attack_runs, run.store)
    picked = table["picked"].fillna(False).astype(bool)
    return Attacks(table[table["eps"] > 0].assign(picked=picked))


def picked_how(here: pd.DataFrame) -> str:
    """How the attacked images were chosen, where they do not stand for their split."""
    if here.empty or not here["picked"].all():
        return ""
    if set(here["job"]) == {FINAL}:
        how = "half of them have the smallest margins, the others are spread over the split"
    else:
        how = "they were picked by hand"
    return (
        f"These images were not drawn at random: {how}. So these shares say nothing about the split"
        " as a whole."
    )


def choose_level(here: pd.DataFrame, norm: str) -> float:
    """One of the attacks' noise levels, at first the largest."""
    levels = {level_title(eps, norm): float(eps) for eps in sorted(here["eps"])}
    names = list(levels)
    chosen = st.selectbox(
        f"Noise level {epsilon(norm)}",
        names,
        len(names) - 1,
        key="level",
        bind="query-params",
        width=180,
    )
    return levels[chosen]


def choose_attack(outcomes: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """(title, its verdicts) of one attack, at first the strongest."""
    titles = {
        f"{disagreement.title(settings)}, {settings.n:,} images": settings
        for settings in agreement.settings_by_strength(outcomes)
    }
    chosen = st.selectbox("Attack", list(titles), key="judged-by", bind="query-params", width=320)
    settings = titles[chosen]
    title = export.attack_title(settings.name, settings.note, settings.steps)
    return title, agreement.of_settings(outcomes, settings)
