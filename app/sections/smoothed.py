"""Certificates of the smoothed network, apart from all margins: they are of another network."""

import streamlit as st

from smd import registry
from smd.export import smoothed as table
from smd.runs.folders import Run
from smd.store import reader

from .. import data
from ..components import downloads, tables

TITLE = registry.ESTIMATORS["smoothing"].title


def section(run: Run, split: str) -> None:
    """What was certified of images of that split; nothing where nothing was."""
    stored = data.read(reader.smoothed, run.store)
    stored = stored[stored["split"] == split]
    if stored.empty:
        return
    results = {name: data.read(reader.estimate_results, run.store, name) for name in stored["id"]}
    shown = table.smoothed_table(stored, results, run.config.levels_in("L2"))
    st.subheader(TITLE)
    st.caption(table.SAID)
    brief = shown.assign(method=shown["method"].str.removeprefix(f"{TITLE}, "))
    brief = brief.drop(columns="split").rename(columns={"method": "noise"})
    tables.show(brief, key="smoothed", alt=f"{len(shown)} certificates of the smoothed network.")
    downloads.of_table(shown, f"{run.id}-{split}-smoothed")
