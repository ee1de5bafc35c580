"""All runs in one table, and what can be done with the ticked ones."""

import math

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from smd import export
from smd.runs import notes
from smd.runs.folders import Run
from smd.runs.notes import Notes
from smd.store import reader
from smd.training import monitor_size
from smd.units import level_title

from .. import actions, data, pages
from ..components import downloads, going_back, run_names, states, tables
from ..forms import cloning
from . import notes as notes_section

LAST = ("network", "started", "pinned", "tags")  # columns that may stand beyond the window's edge
QUICK = (
    f"Validation images under PGD with {monitor_size.STEPS} steps, last epoch: a quick look, no"
    " judgement. A stronger attack finds more."
)
SURE = "The 95 % interval for n validation images."


def section(table: list[tuple[Run, Notes]], ticked: list[str]) -> None:
    """The table of these runs, those with ticked ids ticked."""
    rows = pd.DataFrame([overview(run, noted) for run, noted in table])
    names = [name for name in rows if name not in LAST]
    rows = rows[names + [name for name in LAST if name in rows]]
    st.caption("Tick runs to see what they differ in and to lay their curves over each other.")
    ids = [run.id for run, _ in table]
    # another table where runs come, go or move: ticks belong to runs, not to rows
    key = f"runs-{hash(tuple(ids))}"
    tables.show(
        rows,
        on_select=lambda: tick(key, ids),
        selection_mode="multi-row",
        key=key,
        selection_default={"selection": {"rows": [k for k, i in enumerate(ids) if i in ticked]}},
        alt=f"{len(rows)} runs with their settings and accuracies.",
        column_config=columns(),
    )
    choices([run for run, _ in table if run.id in ticked])
    downloads.of_table(rows.drop(columns="curve", errors="ignore"), "runs")


def columns() -> dict[str, ColumnConfig]:
    """How columns are shown, and what they mean."""
    column = st.column_config
    clean = "Clean validation images, last epoch."
    return {
        "pinned": column.CheckboxColumn(help="Pinned runs come first."),
        "tags": column.ListColumn(help="Written on Live, under Notes and tags."),
        "clean (val, %)": column.NumberColumn(format="%.2f", help=clean),
        "quick PGD (val, %)": column.NumberColumn(format="%.2f", help=QUICK),
        "at": column.TextColumn(help="The noise level of the quick PGD."),
        "clean: 95 %": column.TextColumn(help=SURE),
        "quick PGD: 95 %": column.TextColumn(help=SURE),
        "curve": column.LineChartColumn("quick PGD, by epoch", y_min=0, y_max=100),
    }


def listed(runs: list[Run]) -> list[tuple[Run, Notes]]:
    """The runs of the table: pinned ones first, without hidden ones, those with the wanted tags."""
    noted = [(run, notes.read(run)) for run in runs]
    tags = sorted({tag for _, each in noted for tag in each.tags})
    hidden = sum(each.hidden for _, each in noted)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = (
            st.multiselect("Tags", tags, key="tag", bind="query-params", width=320) if tags else []
        )
        if hidden:
            st.toggle(f"Show {hidden} hidden", key="hidden", bind="query-params")
    shown = [
        (run, each)
        for run, each in noted
        if (st.session_state.get("hidden") or not each.hidden) and set(wanted) <= set(each.tags)
    ]
    return sorted(shown, key=lambda pair: not pair[1].pinned)


def overview(run: Run, noted: Notes) -> dict[str, object]:
    """One row of the table."""
    status = run.status
    row: dict[str, object] = {
        "run": run.id,
        "state": status.state,
        "started": run_names.when(status.created),
        "pinned": noted.pinned,
        "tags": list(noted.tags),
    }
    if not states.readable(run):
        return row
    config = run.config
    own = data.brief(reader.validation, run.store)
    return row | {
        "defense": export.defense_title(config),
        "data": export.data_name(config),
        "network": config.net,
        "epochs": f"{own['epoch'].max() if len(own) else 0} / {config.epochs}"
        if config.epochs
        else export.EMPTY,  # of an import
        **quick_look(run, own),
        "curve": [
            100 * v for v in own[own["eps"] == own["eps"].max()].sort_values("epoch")["value"]
        ],
    }


def quick_look(run: Run, own: pd.DataFrame) -> dict[str, object]:
    """Accuracy on validation images after the last epoch, clean and under a short PGD, with n and
    95 % interval."""
    final = own[own["epoch"] == own["epoch"].max()].sort_values("eps") if len(own) else own
    sizes = data.brief(reader.split_sizes, run.store).set_index("split")["n"]
    about = data.value(reader.meta, run.store)
    seen = monitor_size.of_run(about, int(sizes.get("train", 0)), int(sizes.get("val", 0)))
    row: dict[str, object] = {}
    for name, n, rows in zip(
        ("clean", "quick PGD"),
        seen,
        (final[final["eps"] == 0], final[final["eps"] > 0]),
        strict=True,
    ):
        share = float(rows["value"].iloc[-1]) if len(rows) else math.nan
        sure = f"{export.interval(share, n)}, n = {n:,}" if len(rows) and n else ""
        row |= {f"{name} (val, %)": 100 * share, f"{name}: 95 %": sure}
        if name != "clean":
            eps = float(rows["eps"].iloc[-1]) if len(rows) else 0.0
            row["at"] = level_title(eps, run.config.norm) if eps else ""
    return row


def tick(key: str, ids: list[str]) -> None:
    """For the table's callback: which runs are ticked, by what they are and not by where they
    stand."""
    st.session_state["compare"] = [ids[k] for k in st.session_state[key].selection.rows]


def ticked_in_link(runs: list[Run]) -> list[str]:
    """The ids of the ticked runs, at first those of the address; they are kept there."""
    if "compare" not in st.session_state or going_back.went_back():
        linked = st.query_params.get("compare", "").split(",")
        st.session_state["compare"] = [run.id for run in runs if run_names.name(run.id) in linked]
    ids = [run.id for run in runs if run.id in st.session_state["compare"]]
    if ids:
        st.query_params["compare"] = ",".join(map(run_names.name, ids))
    elif "compare" in st.query_params:
        del st.query_params["compare"]
    return ids


def choices(ticked: list[Run]) -> None:
    """What can be done with the ticked runs."""
    with st.container(horizontal=True, gap="small"):
        marks(ticked)
        one = len(ticked) == 1
        if actions.button(
            "Clone into the form",
            icon=":material/content_copy:",
            disabled=not one,
            key="clone",
            help="Tick one run to train another like it.",
        ):
            states.attempt(cloning.into_form, ticked[0].config)
        if one:
            st.page_link(
                pages.link("live"),
                label="Open",
                icon=":material/monitoring:",
                query_params={"run": run_names.name(ticked[0].id)},
            )


def marks(ticked: list[Run]) -> None:
    """Buttons that pin or hide the ticked runs, or take that back."""
    noted = [notes.read(run) for run in ticked]
    pin, hide = not all(each.pinned for each in noted), not all(each.hidden for each in noted)
    none = not ticked
    title = "Pin" if pin else "Unpin"
    if actions.button(title, icon=":material/keep:", disabled=none, key="pin"):
        mark(ticked, pinned=pin)
    title = "Hide" if hide else "Unhide"
    if actions.button(title, icon=":material/visibility_off:", disabled=none, key="hide"):
        mark(ticked, hidden=hide)


def mark(ticked: list[Run], pinned: bool | None = None, hidden: bool | None = None) -> None:
    """Pin or hide these runs, and draw the page again."""
    for run in ticked:
        notes_section.save(run, pinned=pinned, hidden=hidden)
    st.rerun()
