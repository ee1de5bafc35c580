"""How an import goes on, and what it has found: accuracy, the usual preprocessings, cautions."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from smd import export, registry
from smd.config.schema import ImportConfig
from smd.errors import UserError
from smd.jobs import Status
from smd.runs.folders import Run

from .. import actions, pages
from ..components import layout, run_names, states, tables
from ..components.plain import listed, plain
from . import import_facts
from .import_facts import Facts, Tried

FOLLOW = "2s"
NONE_BETTER = "None of the usual ones is better than the chosen one by more than chance."
ON = (  # pages that go on from here
    ("attacks", "Attack it", ":material/bolt:"),
    ("samples", "See samples", ":material/image_search:"),
    ("compare", "Compare", ":material/compare_arrows:"),
)


def is_import(run: Run) -> bool:
    """Whether a run was imported; one that cannot be read is not shown as such."""
    try:
        return run.config.imported
    except UserError:
        return False


def every(run: Run) -> str | None:
    """How often it is looked at."""
    return FOLLOW if run.status.state in ("queued", "running") else None


def start(config: ImportConfig) -> None:
    """Queue the import; the page Import shows how it goes on."""
    if states.attempt(actions.import_network, config):
        st.switch_page(pages.link("import"), query_params={})


def section(run: Run) -> None:
    """All there is to say of one import; drawn again and again while it is at work."""
    status = run.status
    with st.container(horizontal=True, vertical_alignment="center"):
        states.badge(status)
        st.markdown(f"**{plain(run_names.label(run))}**")
        st.caption(plain(run.id))
    if status.state in ("queued", "running"):
        _under_way(run, status)
    elif status.state != "finished":
        _ended(run, status)
    else:
        if cautions := import_facts.read(run).cautions:  # Live has them beside those of images
            st.warning(listed(cautions), icon=":material/warning:")
        result(run)
    before = st.session_state.get("import-active")
    st.session_state["import-active"] = (run.id, status.state)
    if before and before[0] == run.id and before[1] != status.state and not every(run):
        st.rerun()  # without the timer from now on


def _under_way(run: Run, status: Status) -> None:
    share = min(status.done / max(status.total, 1), 1.0)
    st.progress(share, text=plain(status.stage) or "waiting for its turn")
    if actions.button("Cancel", key="import-cancel", type="tertiary", icon=":material/block:"):
        states.attempt(actions.cancel, run.folder)


def _ended(run: Run, status: Status) -> None:
    """It was stopped or failed: why, and what can be done."""
    if status.error:
        st.error(plain(status.error), icon=":material/error:")
    with st.container(horizontal=True):
        again = actions.button("Resume", key="import-resume", icon=":material/resume:")
        away = actions.button(
            "Delete", key="import-delete", icon=":material/delete:", type="tertiary"
        )
    if (again and states.attempt(actions.resume, run.folder)) or (
        away and states.attempt(actions.delete, run)
    ):
        st.rerun()


def result(run: Run) -> None:
    """What the import has found."""
    facts, config = import_facts.read(run), run.config
    origin = Path(config.file).name if isinstance(config, ImportConfig) else ""
    net = registry.network_title(config.net)
    st.caption(plain(f"{net} on {export.data_name(config)}, from {origin}"))
    if facts.tried:
        accuracy(facts.tried[0])
    if facts.notes:
        st.info(listed(facts.notes), icon=":material/info:")
    if facts.tried:
        preprocessings(run, facts)
    with st.container(horizontal=True):
        for name, label, icon in ON:
            query = {"run": run_names.link(run.id)}
            st.page_link(pages.link(name), label=label, icon=icon, query_params=query)


def accuracy(chosen: Tried) -> None:
    """The clean accuracy as the network was imported, with n and interval."""
    sure = export.interval(chosen.accuracy, chosen.n)
    share = f"{100 * chosen.accuracy:.2f} %"
    what = "Test images without noise that it classifies correctly."
    layout.cards(
        [
            layout.Card("Clean accuracy", share, what),
            layout.Card("95 % interval", sure, "By Wilson, for so many images."),
            layout.Card("Test images", f"{chosen.n:,}", "Drawn evenly from the test split."),
        ]
    )


def preprocessings(run: Run, facts: Facts) -> None:
    """The clean accuracy under each usual preprocessing; a better one is pointed out."""
    st.markdown("**Was it trained with another normalisation?**")
    if facts.advice:
        st.warning(plain(facts.advice), icon=":material/lightbulb:")
    else:
        st.caption(NONE_BETTER)
    if facts.better and not facts.better.bgr:
        _again(run, facts.better)
    rows = [
        {
            "preprocessing": tried.title,
            "clean (test, %)": round(100 * tried.accuracy, 2),
            "95 %": export.interval(tried.accuracy, tried.n),
            "n": tried.n,
        }
        for tried in facts.tried
    ]
    table = pd.DataFrame(rows)
    tables.show(
        table,
        key=f"import-tried-{run.id}",
        alt="Clean accuracy under each preprocessing.",
        column_config=tables.fitting(table),
    )


def _again(run: Run, better: Tried) -> None:
    """A button that imports the same file with a better preprocessing."""
    pressed = actions.button(
        f"Import again: {better.title}", key="import-again", icon=":material/refresh:"
    )
    if pressed and isinstance(run.config, ImportConfig):
        start(replace(run.config, mean=better.mean, std=better.std))
