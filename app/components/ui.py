"""Small parts that pages share: the run picker, badges, empty states, downloads."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig
from streamlit.elements.lib.grid_container import GridContainer
from streamlit.navigation.page import StreamlitPage

from smd import export, registry
from smd.errors import UserError
from smd.jobs import Status
from smd.jobs.endings import reason
from smd.paths import only_looked_at, runs_root
from smd.runs import folders, notes
from smd.runs.folders import Run
from smd.store import reader
from smd.terminal.progress import duration

from .. import data, pages
from . import going_back
from .plain import plain

STATES = {  # state -> colour, icon, what it means
    "queued": ("gray", ":material/hourglass_empty:", "waits for its turn on the device"),
    "running": ("blue", ":material/play_arrow:", "is being worked on"),
    "finished": ("green", ":material/check:", "is complete"),
    "cancelled": ("orange", ":material/block:", "was stopped by hand; resume it to go on"),
    "failed": ("red", ":material/error:", "ended with an error"),
    "lost": ("red", ":material/help:", "its process vanished; resume it to go on"),
}

PADDING, LETTER = 22, 6.4  # pixels that a cell of a table takes beside its text, and a letter of it


def badge(status: Status) -> None:
    """The state as a coloured badge."""
    colour, icon, meaning = STATES[status.state]
    st.badge(status.state, icon=icon, color=colour, help=f"The job {meaning}.")  # type: ignore[arg-type]


def label(run: Run) -> str:
    """A run in a list: what it is, when it was started, how it stands."""
    try:
        config = run.config
    except UserError:
        return f"{run.id} (unreadable)"
    defense = registry.DEFENSES.get(config.defense)
    title = defense.title if defense else config.defense
    return f"{title} · {config.data} · {when(run.status.created)} · {run.id[-4:]}"


def name(run_id: str) -> str:
    """A run's id without its time: short, and as stable in links as the id itself.

    Of a copied folder whose id differs in the time alone, and of what it was copied from, it is the
    whole id.
    """
    short = _short(run_id)
    return run_id if short in _twice(str(runs_root()), stamp(runs_root())) else short


def _short(run_id: str) -> str:
    return run_id.split("-", 2)[-1]


@lru_cache(maxsize=4)
def _twice(root: str, _stamp: int) -> frozenset[str]:
    """Short names that two run folders have; listed again when a folder has come or gone."""
    counts = Counter(
        _short(path.name) for path in Path(root).glob("*") if not path.name.startswith(".")
    )
    return frozenset(short for short, n in counts.items() if n > 1)


def stamp(folder: Path) -> int:
    """Changes when something in the folder is made, renamed or removed; 0 if it is not there."""
    return folder.stat().st_mtime_ns if folder.exists() else 0


def when(moment: float) -> str:
    """A time of day today, else a date with it, local time."""
    today = time.strftime("%Y-%m-%d") == time.strftime("%Y-%m-%d", time.localtime(moment))
    return time.strftime("%H:%M" if today else "%d %b %H:%M", time.localtime(moment))


def ago(moment: float) -> str:
    """How long ago a moment was."""
    return f"{duration(max(0.0, time.time() - moment))} ago"


def redirect(page: StreamlitPage) -> None:
    """A link may name its run by the whole id: go on to the address that names it as the list does.

    Streamlit would take such a name out of the address, as the list does not have it.
    """
    asked = st.query_params.get("run")
    if (
        asked
        and "run" not in st.session_state
        and asked != name(asked)
        and asked in {run.id for run in folders.all_runs()}
    ):
        given = {key: st.query_params.get_all(key) for key in st.query_params}
        st.switch_page(page, query_params={**given, "run": name(asked)})


def run_picker() -> None:
    """The run that Live, Margins and Samples show; kept in the address as ?run=. Pinned ones come
    first."""
    everything = folders.all_runs()
    if not everything:
        return
    ids = [run.id for run in everything]
    # No default of its own: the address must name the run even if it is the newest one.
    linked = [i for i in ids if st.query_params.get("run") in (i, name(i))]
    if st.session_state.get("run") not in ids or (linked and going_back.went_back()):
        shown = [run.id for run, _ in notes.listed(everything)] or ids
        st.session_state["run"] = (linked or shown)[0]
    known = [run.id for run, _ in notes.listed(everything, keep=st.session_state["run"])]
    begin = going_back.begin("run", known.index(st.session_state["run"]))
    st.selectbox("Run", known, index=begin, key="run", format_func=name, bind="query-params")
    chosen = next((run for run in everything if run.id == st.session_state["run"]), None)
    if chosen:
        badge(chosen.status)


def picked() -> Run:
    """The chosen run; ends the page with an invitation where there is none."""
    chosen = st.session_state.get("run")
    known = {run.id: run for run in folders.all_runs()}
    if not known:
        nothing_yet()
    if chosen not in known:
        st.info("Choose a run in the sidebar.", icon=":material/arrow_back:")
        st.stop()
    return known[chosen]


def nothing_yet() -> None:
    """An empty store says what to click, and ends the page."""
    with st.container(border=True):
        st.subheader("No runs yet")
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


def readable(run: Run) -> bool:
    """Whether this version can read the run's config and store."""
    try:
        return bool(run.config) and data.value(reader.last_epoch, run.store) >= 0
    except UserError:
        return False


def broken(run: Run) -> None:
    """A run that this version cannot open says so and ends the page."""
    try:
        _ = run.config
    except UserError as error:
        st.error(plain(error), icon=":material/error:")
        st.stop()


def table(rows: Any, key: str, **options: Any) -> Any:
    """A table as every page shows it: without the index, and a dash where there is no value.

    rows: a frame, or a Styler of one; options: of st.dataframe. Returns what is selected, as
    st.dataframe does.
    """
    return st.dataframe(rows, hide_index=True, key=key, placeholder=export.EMPTY, **options)


def fitting(rows: pd.DataFrame) -> dict[str, ColumnConfig]:
    """Columns as wide as their longest text, so that no cell is cut; numbers count as written with
    two decimals."""
    written = {
        str(name): [
            f"{value:.2f}" if isinstance(value, float) else export.cell(value)
            for value in rows[name]
        ]
        for name in rows.columns
    }
    longest = {name: max(map(len, [name, *texts])) for name, texts in written.items()}
    return {
        name: st.column_config.Column(width=round(PADDING + LETTER * n))
        for name, n in longest.items()
    }


def downloads(
    table: pd.DataFrame, name: str, bold: pd.DataFrame | None = None, title: str = ""
) -> None:
    """The very table as CSV, Markdown, LaTeX and Parquet, made only when asked for. bold: see
    export.best."""
    note = export.BOLD if bold is not None else ""
    makers: dict[str, tuple[str, str, Callable[[], str | bytes]]] = {
        "CSV": ("csv", "text/csv", lambda: export.to_csv(table)),
        "Markdown": ("md", "text/markdown", lambda: export.to_markdown(table, bold, note)),
        "LaTeX": ("tex", "application/x-tex", lambda: export.to_latex(table, bold, title, note)),
        "Parquet": ("parquet", "application/vnd.apache.parquet", lambda: export.to_parquet(table)),
    }
    with st.popover(
        "Export",
        icon=":material/download:",
        type="tertiary",
        key=f"export-{name.replace('.', '-')}",
    ):
        for form, (suffix, mime, make) in makers.items():
            download(form, f"{name}.{suffix}", mime, make)


def download(label: str, file: str, mime: str, make: Callable[[], str | bytes]) -> None:
    """A button for one file, which is made when it is asked for."""
    st.download_button(
        label,
        data=lambda: as_bytes(make()),
        file_name=file,
        mime=mime,
        icon=":material/download:",
        on_click="ignore",
        key=f"download-{file.replace('.', '-')}",
    )


def as_bytes(content: str | bytes) -> bytes:
    """What a file holds."""
    return content.encode() if isinstance(content, str) else content


def pair() -> GridContainer:
    """Two columns, or one where the window is narrow: fill it with containers."""
    return st.grid(columns=2, min_column_width=430, gap="medium")


def metrics(pairs: Sequence[tuple[str, str, str]]) -> None:
    """A row of cards: (label, value, what it means)."""
    with st.container(horizontal=True):
        for title, value, meaning in pairs:
            st.metric(title, value, help=meaning, border=True)
