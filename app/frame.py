"""The picture frame of every page: configuration, navigation, the run picker."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from smd.errors import UserError
from smd.jobs import launch
from smd.runs import folders
from smd.runs.folders import Run

from . import data
from .components import brand, look, notices, run_picker, states
from .components.plain import plain
from .pages import BY_NAME, MOVED, Page, groups
from .selection import bar
from .selection.selected import Selection
from .server import login

ICON = str(Path(__file__).with_name("icon.png"))


def show() -> None:
    """The page that the address names."""
    st.set_page_config(page_title="SMD Studio", page_icon=ICON, layout="wide")
    look.dress()
    login.admit()
    st.logo(brand.wordmark(brand.ink()), size="large")
    given: list[Run | Selection] = []  # the page's arguments
    chosen = st.navigation(groups(given))
    if chosen.url_path in MOVED:
        chosen.run()
    launch.wake_all()  # queued jobs go on after a restart of the machine
    page = BY_NAME[chosen.url_path or "train"]  # the first page's path is empty
    if page.of_a_run:
        with st.sidebar:
            run_picker.show()
    st.title(page.title)
    states.say_if_only_looked_at()
    notices.watch()
    try:
        runs = [picked()] if page.of_a_run else []
        with data.kept(*runs):
            given += arguments(page, runs)
            chosen.run()
        if page.name in ("train", "compare") and (told := folders.nameless()):
            st.warning(plain(told), icon=":material/folder_off:")
    except UserError as error:  # of a store that is broken or newer, of a cache that is gone
        st.error(plain(error), icon=":material/error:")


def picked() -> Run:
    """The run that the page shows, if this version can open it; ends the page otherwise."""
    run = run_picker.picked()
    states.broken(run)
    return run


def arguments(page: Page, runs: Sequence[Run]) -> list[Run | Selection]:
    """What the page's function takes: the run if it is of one, and the selection if it is of
    images, whose bar is drawn above the page."""
    return [*runs, *(bar.show(page.title, run) for run in runs if page.of_images)]
