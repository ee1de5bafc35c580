"""The files that a run's images came from: whether there are any, and what to do when the imported
images are gone."""

import streamlit as st

from smd.config import commands
from smd.data.sources import ARRAYS
from smd.runs.folders import Run

from .plain import plain

NAMELESS = "no file name (imported by an earlier version)"
GONE = "The imported images are gone from the cache, so they are listed without pictures: "


def has_files(run: Run) -> bool:
    """Whether its images are files of their own, not arrays, nor a set that comes without any."""
    return run.config.data == "folder" and not run.config.data_path.lower().endswith(ARRAYS)


def gone(run: Run) -> None:
    """Say that a run's images are not imported any more, and what brings them back."""
    if run.config.data != "folder":
        st.caption(f"{GONE}start any run on this data set to import them again.")
        return
    st.caption(
        f"{GONE}say where they are now. If they are where they were, that is"
        f" {plain(run.config.data_path)}."
    )
    st.code(commands.locate_command(run.id), language="bash", wrap_lines=True)
