"""The verdicts of attacks on one image: a row an attack with its settings and level."""

from typing import Any

import pandas as pd
import streamlit as st

from smd import export
from smd.config.notes import noted
from smd.runs.folders import Run
from smd.store import reader
from smd.units import level_title, show_length

from .. import data
from ..components import downloads, run_names, tables
from ..components.plain import class_name

COLUMNS = {
    "noise level": st.column_config.TextColumn(
        help="ε (L∞), the largest change of a pixel, unless it says L2."
    ),
    "robust": st.column_config.TextColumn(
        help="Still classified correctly under this attack at this level."
    ),
    "fooled by": st.column_config.TextColumn(help="The stage of the attack that did it."),
}


def section(run: Run, split: str, idx: int) -> None:
    """The table; nothing where the image has not been attacked."""
    verdicts = data.read(reader.sample_verdicts, run.store, split, idx)
    if verdicts.empty:
        return
    st.header("What became of it under attack")
    shown = table(verdicts, data.value(reader.class_names, run.store))
    tables.show(shown, key="verdicts", column_config=COLUMNS)
    downloads.of_table(shown, f"{run_names.link(run.id)}-{split}-{idx}")


def table(verdicts: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """A row an attack with its settings and level, over all seeds; one for the clean image."""
    clean = verdicts["eps"] == 0
    averaged = noted(verdicts["note"], reader.AVERAGED)  # another network
    note = averaged.map({True: reader.AVERAGED, False: ""})
    usual = {"name": "", "steps": 0, "note": note}
    attacked = verdicts.assign(**{name: verdicts[name].mask(clean, v) for name, v in usual.items()})
    parts = attacked.groupby(["eps", "name", "norm", "steps", "note"])
    return pd.DataFrame([row(key, part, classes) for key, part in parts])


def row(key: Any, part: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, str]:
    """One attack at one level; key: eps, name, norm, steps, note."""
    eps, name, norm, steps, note = key
    worst = part.sort_values(["ok", "distance"]).iloc[0]
    stages = dict.fromkeys(stage for stage in part["broken_by"] if stage and stage != "clean")
    return {
        "noise level": level_title(eps, norm) if eps else "clean",
        "attack": export.attack_title(name or "none", note, steps),
        "robust": robust(part["ok"]),
        "fooled by": ", ".join(stages),
        "predicted": class_name(classes, worst["pred"]),
        "noise": show_length(float(worst["distance"]), norm) if eps else "none",
    }


def robust(ok: "pd.Series[bool]") -> str:
    """Of one try yes or no, else of how many."""
    if ok.all() or not ok.any():
        return "yes" if ok.all() else "no"
    return f"{ok.sum()} of {len(ok)} tries"
