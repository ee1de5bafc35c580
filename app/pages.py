"""Every page of the dashboard, and links to them.

To add one: a file in views/ with a function `page`, and an entry here. Its function takes the run
that the sidebar names, a `Run`, if the page is of a run, and the images that its bar selects, a
`Selection`, if it is of images; nothing otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

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
    of_images: bool = False  # and of that the images that the filters select


PAGES = (
    Page(
        "train",
        "Train",
        "Train",
        "model_training",
        "Choose a data set and start training; see what is queued.",
    ),
    Page(
        "import",
        "Train",
        "Import",
        "upload_file",
        "Bring in a network that was trained elsewhere: its weights, checked and judged.",
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
        "Explore",
        "Embedding",
        "scatter_plot",
        "The images as the network sees them, near each other where they are alike.",
        of_a_run=True,
        of_images=True,
    ),
    Page(
        "margins",
        "Explore",
        "Margins",
        "bar_chart",
        "Margins of images: where a boundary was found, how far a search came, what is wrong"
        " anyway.",
        of_a_run=True,
        of_images=True,
    ),
    Page(
        "samples",
        "Explore",
        "Samples",
        "image_search",
        "Single images: their margin over the epochs and their adversarial examples.",
        of_a_run=True,
        of_images=True,
    ),
    Page(
        "attacks",
        "Evaluate",
        "Attacks",
        "bolt",
        "Attack trained networks and put the accuracies side by side.",
        of_a_run=True,
        of_images=True,
    ),
    Page(
        "agreement",
        "Evaluate",
        "Agreement",
        "rule",
        "Whether margins predict what survives an attack, and where attacks disagree.",
        of_a_run=True,
    ),
    Page(
        "compare",
        "Evaluate",
        "Compare",
        "compare_arrows",
        "All runs: what they differ in, and their curves in one chart.",
    ),
    Page(
        "figures",
        "Evaluate",
        "Figures",
        "image",
        "The paper's figures from your own runs, to be taken away.",
    ),
    Page(
        "query",
        "Evaluate",
        "Query",
        "database",
        "A question of your own to a run's store, in SQL.",
        of_a_run=True,
    ),
)
BY_NAME = {page.name: page for page in PAGES}
MOVED = {"map": "embedding"}  # addresses that pages had before


def link(name: str) -> StreamlitPage:
    """The page of that name, for st.page_link and st.switch_page."""
    return _entry(BY_NAME[name], lambda: None)


def groups(given: Sequence[Any]) -> dict[str, list[StreamlitPage]]:
    """All pages under the headings of the navigation; those that have moved are not listed.

    given: the arguments of the page that is shown, put there before it runs.
    """
    names = dict.fromkeys(page.group for page in PAGES)
    shown = {
        group: [_entry(page, _shows(page, given)) for page in PAGES if page.group == group]
        for group in names
    }
    return {**shown, "": [_moved(old) for old in MOVED]}


def _moved(old: str) -> StreamlitPage:
    """A page's old address, which leads to the new one with all that it says."""

    def go_on() -> None:
        query = {key: st.query_params.get_all(key) for key in st.query_params}
        st.switch_page(link(MOVED[old]), query_params=query)

    return st.Page(go_on, title=BY_NAME[MOVED[old]].title, url_path=old, visibility="hidden")


def _entry(page: Page, show: Callable[[], None]) -> StreamlitPage:
    return st.Page(
        show,
        title=page.title,
        icon=f":material/{page.icon}:",
        url_path=page.name,
        help=page.help,
        default=page is PAGES[0],
    )


def _shows(page: Page, given: Sequence[Any]) -> Callable[[], None]:
    """What shows the page, whose module is imported when it is opened first."""

    def show() -> None:
        import_module(f"{__package__}.views.{page.name}").page(*given)

    return show
