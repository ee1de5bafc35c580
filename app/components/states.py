"""How a run stands: its badge, and what a page says where it cannot show or do something."""

from collections.abc import Callable

import streamlit as st

from smd.errors import UserError
from smd.jobs import Status
from smd.jobs.endings import reason
from smd.paths import only_looked_at, runs_root
from smd.runs.folders import Run

from .. import data, pages
from .plain import plain

STATES = {  # state -> colour, icon, what it means
    "queued": ("gray", ":material/hourglass_empty:", "waits for its turn on the device"),
    "running": ("blue", ":material/play_arrow:", "is being worked on"),
    "finished": ("green", ":material/check:", "is complete"),
    "cancelled": ("orange", ":material/block:", "was stopped by hand; resume it to go on"),
    "failed": ("red", ":material/error:", "ended with an error"),
    "lost": ("red", ":material/help:", "its process vanished; resume it to go on"),
}


def badge(status: Status) -> None:
    """The state as a coloured badge."""
    colour, icon, meaning = STATES[status.state]
    st.badge(status.state, icon=icon, color=colour, help=f"The job {meaning}.")  # type: ignore[arg-type]


def nothing_yet() -> None:
    """An empty store says what to click, and ends the page."""
    with st.container(border=True):
        st.header("No runs yet")
        st.write(
            "Training the built-in digits takes about half a minute on a laptop, and then every"
            " page has something to show: margins, images, attacks."
        )
        st.page_link(
            pages.link("train"), label="Train the first network", icon=":material/model_training:"
        )
    st.stop()


def attempt(act: Callable[..., object], *args: object) -> bool:
    """Do something that may be refused, also by the disk; the reason is shown and False
    returned."""
    try:
        act(*args)
    except (UserError, OSError) as error:
        st.error(plain(reason(error)), icon=":material/error:")
        return False
    return True


def say_if_only_looked_at() -> None:
    """Where the runs lie in a folder that cannot be written, every page says so at its top,
    once."""
    if only_looked_at():
        where = plain(str(runs_root()))
        st.info(
            f"{where} can only be looked at: to start or change something, set SMD_RUNS.",
            icon=":material/lock:",
        )


def known(run: Run) -> bool:
    """Whether this version can read the run's config; its store is not opened, which takes long of
    many runs."""
    try:
        return bool(run.config)
    except UserError:
        return False


def readable(run: Run) -> bool:
    """Whether this version can read the run's config and store."""
    try:
        return bool(run.config) and bool(data.outline(run.store))
    except UserError:
        return False


def broken(run: Run) -> None:
    """A run that this version cannot open says so and ends the page."""
    try:
        _ = run.config
    except UserError as error:
        st.error(plain(error), icon=":material/error:")
        st.stop()
