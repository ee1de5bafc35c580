"""What is suspicious about attacks: flags that they raise themselves, and gaps between them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from smd.analysis import gaps
from smd.analysis.flags import FLAGS
from smd.runs.folders import Run
from smd.store import reader
from smd.units import level_title, show_level

from .. import data
from ..components import run_names
from ..components.plain import plain
from . import disagreement


def flags(chosen: Sequence[Run], attack: Mapping[str, object]) -> None:
    """What an attack itself found suspicious, as badges; pointing at one tells what it means.

    attack: columns of reader.attack_flags and the values that tell it from others.
    """
    for run in chosen:
        levels = flagged(data.read(reader.attack_flags, run.store), attack)
        if levels.empty:
            continue
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(run_names.shown(run.id)), width="content")
            for name, eps in levels.items():
                label, meaning = FLAGS.get(str(name), (str(name), ""))
                at = ", ".join(show_level(level, str(attack["norm"])) for level in sorted(eps))
                said = f"{label} at {at}"
                st.badge(said, icon=":material/warning:", color="orange", help=meaning)


def flagged(rows: pd.DataFrame, attack: Mapping[str, object]) -> "pd.Series[Any]":
    """The noise levels by flag; rows: as from reader.attack_flags."""
    same = pd.Series(True, rows.index)
    for column, value in attack.items():
        same &= rows[column] == value
    return rows[same].groupby("flag", sort=False)["eps"].unique()


def gaps_of(chosen: Sequence[Run]) -> None:
    """Attacks that disagree by more than two points, and not by chance, say more than any of them
    alone (Sec. 5.1)."""
    for run in chosen:
        rows = data.read(gaps_in, run.store)
        for row in rows[rows["flag"]].itertuples():
            st.warning(
                f"**{plain(run_names.shown(run.id))}** {gap_words(row)}",
                icon=":material/difference:",
            )


def gaps_in(store: Path) -> pd.DataFrame:
    """The gaps of a run, as from gaps.gaps: every verdict on every image is looked at."""
    return gaps.gaps(data.read(reader.image_verdicts, store))


def gap_words(row: Any) -> str:
    """One gap in a sentence; row: of gaps.gaps."""
    before = f"{disagreement.worst(row.weaker, row.weaker_seeds)}, {row.before:.2f} %"
    after = f"{disagreement.worst(row.stronger, row.stronger_seeds)}, {row.after:.2f} %"
    return (
        f"at {level_title(row.eps, row.norm)}: {before}; {after}, on the same {row.n:,}"
        f" {row.split} images (p = {row.p:.1g}). {row.meaning}"
    )
