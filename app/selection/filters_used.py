"""Which filters a view takes no notice of, and why: these are disabled there."""

import streamlit as st

from smd.runs.folders import Run
from smd.store import reader

from .. import data
from ..components import going_back
from . import sources

ALL = ("class", "epoch", "range", "find", "closest", "between", "level")
# of Margins' views that show all images
NOTED = {"by class": ("epoch",), "over time": ("between",), "forces": ()}


def ignored(page: str, run: Run, split: str) -> dict[str, str]:
    """Filter -> why it changes nothing on this page as it stands now."""
    why, noted = WHY.get(page, _nothing)(run, split)
    return {key: why for key in ALL if key not in noted} if why else {}


def _nothing(_run: Run, _split: str) -> tuple[str, tuple[str, ...]]:
    return "", ()


def _margins(run: Run, split: str) -> tuple[str, tuple[str, ...]]:
    known = [source for source in sources.of(run) if source.split == split]
    if not known:
        return "No margins of these images are known yet, so there is nothing to filter here.", ()
    shown = view() if not known[0].estimate else ""
    if shown in NOTED:
        return (
            f"The view “{shown}” shows all training images, whichever are selected.",
            NOTED[shown],
        )
    return "", ()


def view() -> str:
    """Which view of Margins is open: its own control stands below the filters, on the page."""
    linked = st.query_params.get("view", "")
    return linked if going_back.went_back() else str(st.session_state.get("view") or linked)


def _map(run: Run, split: str) -> tuple[str, tuple[str, ...]]:
    if not run.weights.exists():
        return (
            "There is no map before the training is over, so there is nothing to filter here.",
            (),
        )
    maps = data.read(reader.embeddings, run.store)
    return (
        "" if split in set(maps["split"]) else "There is no map of these images yet to filter."
    ), ()


def _attacks(run: Run, _split: str) -> tuple[str, tuple[str, ...]]:
    if not run.weights.exists():
        return "This run has no trained network to attack, so there is nothing to filter here.", ()
    return "", ()


WHY = {"Margins": _margins, "Map": _map, "Attacks": _attacks}
