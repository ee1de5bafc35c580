"""The picture frame of every page: configuration, navigation, the run picker. main.py serves it.

Tests run it by itself, hence the first lines.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import filters
import login
import notices
import streamlit as st
import ui
from plain import plain

from smd import runs
from smd.errors import UserError
from smd.jobs import launch

ICON = Path(__file__).with_name("icon.png")
st.set_page_config(page_title="SMD Studio", page_icon=str(ICON), layout="wide")

PAGES = {
    "Train": [
        st.Page("views/train.py", title="Train", icon=":material/model_training:", default=True,
                help="Choose a data set and start training; see what is queued."),
        st.Page("views/live.py", title="Live", icon=":material/monitoring:",
                help="How a run is doing: progress, curves, log."),
    ],
    "Look": [
        st.Page("views/map.py", title="Map", icon=":material/scatter_plot:",
                help="The images as the network sees them, near each other where they are alike."),
        st.Page("views/margins.py", title="Margins", icon=":material/bar_chart:",
                help="Margins of images: where a boundary was found, how far a search came, what is wrong anyway."),
        st.Page("views/samples.py", title="Samples", icon=":material/image_search:",
                help="Single images: their margin over the epochs and their adversarial twins."),
    ],
    "Judge": [
        st.Page("views/attacks.py", title="Attacks", icon=":material/bolt:",
                help="Attack trained networks and put the accuracies side by side."),
        st.Page("views/agreement.py", title="Agreement", icon=":material/rule:",
                help="Whether margins predict what survives an attack, and where attacks disagree."),
        st.Page("views/compare.py", title="Compare", icon=":material/compare_arrows:",
                help="All runs: what they differ in, and their curves in one chart."),
        st.Page("views/figures.py", title="Figures", icon=":material/image:",
                help="The paper's figures from your own runs, to be taken away."),
        st.Page("views/ask.py", title="Query", icon=":material/database:", url_path="query",
                help="A question of your own to a run's store, in SQL."),
    ],
}  # fmt: skip

OF_IMAGES = ("Map", "Margins", "Samples", "Attacks")  # what they show of a run, they show of the selected images
OF_A_RUN = ("Live", "Agreement", "Query", *OF_IMAGES)

login.admit()
st.logo(str(ICON), size="large")
page = st.navigation(PAGES)
launch.wake_all()  # queued jobs go on after a restart of the machine
if page.title in OF_A_RUN:
    ui.redirect(page)
    with st.sidebar:
        ui.run_picker()
        if page.title in OF_IMAGES:
            filters.sidebar(page.title)
st.title(page.title)
notices.watch()
try:
    page.run()
    if page.title in ("Train", "Compare") and (told := runs.nameless()):
        st.warning(plain(told), icon=":material/folder_off:")
except UserError as error:  # a store that is broken or newer, a cache that is gone: it says what to do
    st.error(plain(error), icon=":material/error:")
