"""The picture frame of every page: configuration, navigation, the run picker."""

from pathlib import Path

import streamlit as st

from smd.errors import UserError
from smd.jobs import launch
from smd.runs import folders

from .components import notices, ui
from .components.plain import plain
from .pages import BY_NAME, MOVED, groups
from .server import login

ICON = str(Path(__file__).with_name("icon.png"))


def show() -> None:
    """The page that the address names."""
    st.set_page_config(page_title="SMD Studio", page_icon=ICON, layout="wide")
    login.admit()
    st.logo(ICON, size="large")
    chosen = st.navigation(groups())
    if chosen.url_path in MOVED:
        chosen.run()
    launch.wake_all()  # queued jobs go on after a restart of the machine
    page = BY_NAME[chosen.url_path or "train"]  # the first page's path is empty
    if page.of_a_run:
        ui.redirect(chosen)
        with st.sidebar:
            ui.run_picker()
    st.title(page.title)
    ui.say_if_only_looked_at()
    notices.watch()
    try:
        chosen.run()
        if page.name in ("train", "compare") and (told := folders.nameless()):
            st.warning(plain(told), icon=":material/folder_off:")
    except (
        UserError
    ) as error:  # a store that is broken or newer, a cache that is gone: it says what to do
        st.error(plain(error), icon=":material/error:")
