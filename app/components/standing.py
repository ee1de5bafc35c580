"""Why a run has nothing to show yet, and what to do about it.

Every state has its own true sentence.
"""

import streamlit as st

from smd.jobs import Status

from .plain import plain

IMPORTED = (
    "This network was imported, so there is no training to show. Attacks, samples and estimated"
    " margins are as of any run."
)
ICONS = {
    "queued": "hourglass_empty",
    "running": "hourglass_top",
    "cancelled": "block",
    "failed": "error",
    "lost": "help",
}


def show(status: Status, what: str, when: str) -> None:
    """`what` appears ("Margins appear"), `when` ("the first epoch is done"): the sentence, with the
    state's icon."""
    st.info(plain(words(status, what, when)), icon=f":material/{ICONS.get(status.state, 'info')}:")


def words(status: Status, what: str, when: str) -> str:
    """What the run does or why it no longer does anything, and when something will be there."""
    imported = status.kind == "import"
    epochs = (
        "before its import was done"
        if imported
        else f"after epoch {status.done} of {status.total}"
        if status.done
        else "before its first epoch was done"
    )
    later = f"{what} when {when}"
    if status.state == "queued":
        return f"The run is queued: it waits for its turn on the device. {later}."
    if status.state == "running":
        return f"{_now(status)} {later}."
    if status.state == "finished" and imported:
        return IMPORTED
    if status.state == "finished":
        return "The run is finished, but there is nothing of it: its files are gone or incomplete."
    again = f"{later}: resume it on Live."
    if status.state == "cancelled":
        return f"The run was cancelled {epochs}. {again}"
    if status.state == "lost":
        return f"The run's process vanished {epochs}. {again}"
    return (
        f"The run failed {epochs}: {status.error or 'its log on Live says why.'} {later}; its log"
        " is on Live."
    )


def _now(status: Status) -> str:
    """What a running job is at."""
    if status.kind == "import":
        return f"The import is under way: {status.stage or 'it has just begun'}."
    if status.stage == "training":
        return (
            "The first epoch is under way."
            if not status.done
            else f"Epoch {status.done + 1} is under way."
        )
    return f"The run is at work: {status.stage}." if status.stage else "The run has just begun."
