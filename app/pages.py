"""Every page of the dashboard, and links to them.

To add one: a file in views/ and an entry here.
"""

import runpy
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import streamlit as st
from streamlit.navigation.page import StreamlitPage


@dataclass(frozen=True)
class Page:
    """One page: where it stands in the navigation, what it is about."""

    name: str  # of its file in views/ and of its address
    group: str
    title: str
    icon: str  # of Material Symbols
    help: str
    of_a_run: bool = False  # it shows one run, chosen in the sidebar
    of_images: bool = False  # and of that the images that the sidebar's filters select


PAGES = (
    Page(
        "train",
        "Train",
        "Train",
        "model_training",
        "Choose a data set and start training; see what is queued.",
    ),
    Page(
        "live",
        "Train",
        "Live",
        "monitoring",
        "How a run is doing: progress, curves, log.",
        of_a_run=True,
    ),
    Page(
        "embedding",
        "Look",
        "Embedding",
        "scatter_plot",
        "The images as the network sees them, near each other where they are alike.",
        of_a_run=True,
        of_images=True,
    ),
    Page(
        "margins",
        "Look",
        "Margins",
        "bar_chart",
        "Margins of images: where a boundary was found, how far a search came, what is wrong"
        " anyway.",
        of_a_run=True,
        of_images=True,
    ),
    Page(
        "samples",
        "Look",
        "Samples",
        "image_search",
        "Single images: their margin over the epochs and their adversarial twins.",
        of_a_run=True,
        of_images=True,
    ),
    Page(
        "attacks",
        "Judge",
        "Attacks",
        "bolt",
        "Attack trained networks and put the accuracies side by side.",
        of_a_run=True,
        of_images=True,
    ),
    Page(
        "agreement",
        "Judge",
        "Agreement",
        "rule",
        "Whether margins predict what survives an attack, and where attacks disagree.",
        of_a_run=True,
    ),
    Page(
        "compare",
        "Judge",
        "Compare",
        "compare_arrows",
        "All runs: what they differ in, and their curves in one chart.",
    ),
    Page(
        "figures",
        "Judge",
        "Figures",
        "image",
        "The paper's figures from your own runs, to be taken away.",
    ),
    Page(
        "query",
        "Judge",
        "Query",
        "database",
        "A question of your own to a run's store, in SQL.",
        of_a_run=True,
    ),
)
BY_NAME = {page.name: page for page in PAGES}
MOVED = {"map": "embedding"}  # addresses that pages had before


def link(name: str) -> StreamlitPage:
    """The page of that name, for st.page_link, st.switch_page and the navigation."""
    page = BY_NAME[name]
    return st.Page(
        _shows(page),
        title=page.title,
        icon=f":material/{page.icon}:",
        url_path=page.name,
        help=page.help,
        default=page is PAGES[0],
    )


def _shows(page: Page) -> Callable[[], None]:
    def show() -> None:
        from .components import ui  # which has links to pages

        name = f"{__package__}.views.{page.name}"
        if page.of_images:
            import_module(name).page(ui.picked())
        else:
            runpy.run_module(name, run_name=name)

    return show


def groups() -> dict[str, list[StreamlitPage]]:
    """All pages under the headings of the navigation; those that have moved are not listed."""
    names = dict.fromkeys(page.group for page in PAGES)
    shown = {group: [link(page.name) for page in PAGES if page.group == group] for group in names}
    return {**shown, "": [_moved(old) for old in MOVED]}


def _moved(old: str) -> StreamlitPage:
    """A page's old address, which leads to the new one with all that it says."""

    def go_on() -> None:
        query = {key: st.query_params.get_all(key) for key in st.query_params}
        st.switch_page(link(MOVED[old]), query_params=query)

    return st.Page(go_on, title=BY_NAME[MOVED[old]].title, url_path=old, visibility="hidden")
