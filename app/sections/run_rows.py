"""A run as a row of Compare's table: what was measured of it first, and how sure that is."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ButtonColumnResult, ColumnConfig

from smd import export
from smd.runs.folders import Run
from smd.runs.notes import Notes
from smd.store import reader
from smd.training import monitor_size
from smd.units import level_title

from .. import data
from ..components import run_names, states
from . import result

QUICK = (
    f"Validation images under PGD with {monitor_size.STEPS} steps, last epoch: a quick look, no"
    " judgement. A stronger attack finds more."
)
SURE = "The 95 % interval for n validation images."
TESTED = "The 95 % interval for n test images."
ROBUST = (
    "Test images under the strongest attack that was run, at the largest level that the run"
    " watched: an upper bound. Levels and attacks stand beside it: those of two rows may differ."
)
# in this order; the address names those that are chosen
USUAL = (
    *("clean (test, %)", "robust (test, %)", "attack", "state", "defense", "data"),
    *("epochs", "clean (val, %)", "quick PGD (val, %)", "at"),
    *("clean: 95 %", "quick PGD: 95 %", "curve", "network", "started", "pinned", "tags"),
)
MORE = ("clean (test): 95 %", "robust (test): 95 %", "recipe", "seed", "fold", "id")
COLUMNS = (*USUAL, *MORE)


def columns(opened: Callable[[], None], key: str) -> dict[str, ColumnConfig | ButtonColumnResult]:
    """How columns are shown, and what they mean; opened: called when a run's name was clicked, of
    which `key` in the session says the row."""
    column = st.column_config
    return {
        "run": column.ButtonColumn(
            type="tertiary",
            alignment="left",
            pinned=True,
            on_click=opened,
            key=key,
            help="Click a run to open it.",
        ),
        "clean (test, %)": column.NumberColumn(format="%.2f", help="Test images, no noise."),
        "robust (test, %)": column.NumberColumn(format="%.2f", help=ROBUST),
        "clean (test): 95 %": column.TextColumn(help=TESTED),
        "robust (test): 95 %": column.TextColumn(help=TESTED),
        "pinned": column.CheckboxColumn(help="Pinned runs come first."),
        "tags": column.ListColumn(help="Written on Live, under Name, notes and tags."),
        "clean (val, %)": column.NumberColumn(
            format="%.2f", help="Clean validation images, last epoch."
        ),
        "quick PGD (val, %)": column.NumberColumn(format="%.2f", help=QUICK),
        "at": column.TextColumn("quick PGD at", help="The noise level of the quick PGD."),
        "clean: 95 %": column.TextColumn("clean (val): 95 %", help=SURE),
        "quick PGD: 95 %": column.TextColumn("quick PGD (val): 95 %", help=SURE),
        "curve": column.LineChartColumn("quick PGD (val), by epoch", y_min=0, y_max=100),
    }


def table(listed: Sequence[tuple[Run, Notes]], wanted: Sequence[str]) -> pd.DataFrame:
    """A row a run, with its name and these columns; a run has no value where it is unreadable."""
    rows = pd.DataFrame([overview(run, noted) for run, noted in listed])
    return rows.reindex(columns=["run", *(name for name in COLUMNS if name in wanted)])


def overview(run: Run, noted: Notes) -> dict[str, object]:
    """One row of the table."""
    status = run.status
    row: dict[str, object] = {
        "run": run_names.shown(run.id) if run_names.named(run.id) else run.id,
        "id": run.id,
        "state": status.state,
        "started": run_names.when(status.created),
        "pinned": noted.pinned,
        "tags": list(noted.tags),
    }
    if not states.readable(run):
        return row
    config = run.config
    measured = data.brief(_measured, run.store, config.levels, config.norm)
    done = measured.pop("epochs")
    return row | {
        "defense": export.defense_title(config),
        "data": export.data_name(config),
        "network": config.net,
        "recipe": config.recipe,
        "seed": config.seed,
        "fold": f"{config.fold} of {config.folds}" if config.folds else "",
        # an import has none
        "epochs": f"{done} / {config.epochs}" if config.epochs else export.EMPTY,
        **measured,
    }


def _measured(store: Path, levels: tuple[float, ...], norm: str) -> dict[str, object]:
    """What the store of a run with these levels says: epochs that are done, accuracies, curve."""
    known = data.outline(store)
    rows = looks(known)
    noisiest = max((eps for _, eps, _ in rows), default=0.0)
    return {
        "epochs": max((epoch for epoch, *_ in rows), default=0),
        **tested(result.headline(known.accuracies, levels, norm)),
        **quick_look(known, norm),
        "curve": [100 * value for _, eps, value in rows if eps == noisiest],
    }


def looks(known: reader.Brief) -> list[tuple[int, float, float]]:
    """Accuracies of validation images, epoch by epoch, by rising levels: epoch, level, share."""
    own = known.validation
    return [*zip(own["epoch"].tolist(), own["eps"].tolist(), own["value"].tolist(), strict=True)]


def tested(found: result.Judged | None) -> dict[str, object]:
    """Accuracy on test images, clean and under the strongest attack, with n and 95 % interval;
    nothing before any attack on them."""
    if found is None:
        return {}
    level = level_title(found.eps, found.norm)
    row: dict[str, object] = {
        "robust (test, %)": 100 * found.robust,
        "robust (test): 95 %": f"{export.interval(found.robust, found.n)}, n = {found.n:,}",
        "attack": f"{found.attack}, {level}, n = {found.n:,}",
    }
    if found.clean == found.clean:
        row["clean (test, %)"] = 100 * found.clean
        sure = f"{export.interval(found.clean, found.n)}, n = {found.n:,}"
        row["clean (test): 95 %"] = sure
    return row


def quick_look(known: reader.Brief, norm: str) -> dict[str, object]:
    """Accuracy on validation images after the last epoch, clean and under a short PGD, with n and
    95 % interval."""
    rows = looks(known)
    final = [(eps, value) for epoch, eps, value in rows if epoch == rows[-1][0]]
    sizes = dict(zip(known.sizes["split"], known.sizes["n"].tolist(), strict=True))
    seen = monitor_size.of_run(known.meta, sizes.get("train", 0), sizes.get("val", 0))
    parts = [one for one in final if one[0] == 0], [one for one in final if one[0] > 0]
    row: dict[str, object] = {}
    for name, n, found in zip(("clean", "quick PGD"), seen, parts, strict=True):
        eps, share = found[-1] if found else (0.0, math.nan)
        sure = f"{export.interval(share, n)}, n = {n:,}" if found and n else ""
        row |= {f"{name} (val, %)": 100 * share, f"{name}: 95 %": sure}
        if name != "clean":
            row["at"] = level_title(eps, norm) if eps else ""
    return row
