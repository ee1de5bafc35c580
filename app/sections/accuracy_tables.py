"""Accuracies of runs under attack, a table for each attack in the paper's shape, with what the
attacks found suspicious."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from smd import export, registry
from smd.analysis import balanced
from smd.analysis.balanced import Facts, balanced_cells
from smd.experiments import published
from smd.export.paper import What
from smd.export.titles import attack_settings
from smd.frames import groups
from smd.runs.folders import Run
from smd.store import reader
from smd.units import show_level

from .. import data
from ..components import downloads, run_names, tables
from ..components.plain import plain
from . import attack_warnings

ACCURACY, INTERVALS, SPREADS = "accuracy", "with intervals", "with spread over attack seeds"
BALANCED = balanced.MEASURE
LAID_OUT = {
    INTERVALS: export.interval_table,
    SPREADS: export.spread_table,
    BALANCED: export.interval_table,
}
CELLS_HELP = (
    "The 95 % interval for n images; or ±, the standard deviation over the seeds of the attack; or"
    " the mean over the classes' accuracies, with its 95 % interval over patients where they are"
    " known, else over images."
)
ABOUT = (
    "Accuracy in % of n images at each noise level ε (L∞ unless the title says L2); clean is"
    " without noise. Over several attack seeds it is their mean. Avg. is the mean of clean and the"
    " levels that the run watched. A 95 % interval is Wilson's for n images, too narrow where"
    f" several are of one patient. {export.BOLD} The paper's rows take no part. An image that is"
    " misclassified when clean counts as fooled at every level. The paper prints no n: it stands"
    " as 0."
)
ABOUT_BALANCED = (
    f"{balanced.BALANCED} Of n images at each noise level ε (L∞ unless the title says L2); clean is"
    " without noise. Over several attack seeds it is their mean. An image that is misclassified"
    " when clean counts as fooled at every level."
)
CLEAN = {show_level(0): "clean"}  # a column by its name on the page
KEY = ["norm", "split", "attack", "steps", "note"]  # of a table


class Attack(NamedTuple):
    """What one table is of: the columns of KEY."""

    norm: str
    split: str
    name: str
    steps: int
    note: str

    @property
    def settings(self) -> list[str]:
        """Those that differ from the usual ones."""
        return attack_settings(self.name, self.note)

    @property
    def short(self) -> str:
        """With its settings."""
        return export.attack_title(self.name, self.note, self.steps)

    @property
    def title(self) -> str:
        """With its settings, and the images that it attacked."""
        more = [self.norm] * (self.norm != "Linf") + [f"{self.split} images"]
        return ", ".join([self.short, *more])

    @property
    def key(self) -> str:
        """A word for keys and file names."""
        parts = [self.name, str(self.steps), self.norm, self.split, *self.settings]
        return "-".join(parts).replace("=", "")


def section(chosen: Sequence[Run], cells: pd.DataFrame) -> None:
    """All tables, the strongest attack last; cells: as from export.accuracy_cells."""
    controls(chosen)
    attack_warnings.gaps_of(chosen)
    strength = {name: k for k, name in enumerate(registry.ATTACKS)}
    cells = cells.assign(rank=cells["attack"].map(strength).fillna(len(strength)))
    cells = cells.sort_values(
        ["norm", "split", "rank", "steps"], ascending=[True, True, True, False], kind="stable"
    )
    for (norm, split, name, steps, note), part in groups(cells, KEY, sort=False):
        attack = Attack(str(norm), str(split), str(name), int(steps), str(note))
        one_attack(chosen, attack, part)
    st.caption(ABOUT_BALANCED if _balanced() else ABOUT)
    entries(chosen)


def controls(chosen: Sequence[Run]) -> None:
    """What stands in the cells, and whether the paper's rows stand beside ours."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "In the cells",
            (INTERVALS, ACCURACY, SPREADS, BALANCED),
            default=INTERVALS,
            required=True,
            key="shown",
            label_visibility="collapsed",
            help=CELLS_HELP,
        )
        if any(not published.rows(run.config.data).empty for run in chosen):
            st.toggle(
                "Published rows",
                value=False,
                key="paper",
                help="The paper's own tables, always marked as such.",
            )


def one_attack(chosen: Sequence[Run], attack: Attack, part: pd.DataFrame) -> None:
    """One table in the paper's shape: rows are runs, columns noise levels."""
    st.header(attack.title)
    verdicts = {run_names.shown(r.id): data.read(reader.image_verdicts, r.store) for r in chosen}
    told = ""
    if _balanced():
        known = facts(chosen, attack.split)
        cells, told = balanced_cells(part, verdicts, known), balanced.said(known, True)
    else:
        cells = part if attack.settings else printed(part, attack)
    shown = laid_out(cells).assign(attack=attack.short)
    bold = boldness(cells, verdicts, shown)
    tables.show(
        _styled(shown, bold),
        key=f"table-{attack.key}",
        # the title above says which attack it is
        column_config={**tables.fitting(shown.rename(columns=CLEAN), "run"), "attack": None},
    )
    attack_warnings.flags(chosen, attack._asdict())
    numbers = export.concise(export.with_bounds(cells)).assign(attack=attack.short)
    latex = export.paper_latex(shown, bold, what_of(attack, cells, told))
    name = f"{(balanced.MEASURE if told else ACCURACY).replace(' ', '-')}-{attack.key}"
    downloads.with_latex(shown, numbers, name, None if told else bold, latex, told)


def what_of(attack: Attack, cells: pd.DataFrame, told: str) -> What:
    """What the caption of a table of these cells says; told: of balanced accuracies, what must be
    said."""
    levels = sorted({float(eps) for eps in cells["eps"] if eps > 0})
    shown = tuple(show_level(eps, attack.norm) for eps in levels)
    what = What(str(cells["data"].iloc[0]), attack.short, attack.split, shown, attack.norm)
    return what._replace(measure=balanced.MEASURE, interval=told) if told else what


def _balanced() -> bool:
    return bool(st.session_state.get("shown") == BALANCED)


def facts(chosen: Sequence[Run], split: str) -> Facts:
    """Labels and patients of a split's images, by the runs' names."""
    read = {r: data.read(reader.sample_facts, r.store, split) for r in chosen}
    return {run_names.shown(run.id): {split: table} for run, table in read.items()}


def boldness(
    cells: pd.DataFrame, verdicts: dict[str, pd.DataFrame], shown: pd.DataFrame
) -> pd.DataFrame:
    """What is bold; nothing among balanced accuracies, which no test compares."""
    if _balanced():
        return pd.DataFrame(False, index=shown.index, columns=shown.columns)
    return export.best(cells, verdicts)[shown.columns]


def _styled(shown: pd.DataFrame, bold: pd.DataFrame) -> Styler:
    """The table as the page shows it; files keep their column names."""
    table, weight = (frame.rename(columns=CLEAN) for frame in (shown, bold))
    numbers = table.select_dtypes("float").columns
    style = table.style.format("{:.2f}", subset=numbers, na_rep=export.EMPTY)
    weight = weight.replace({True: "font-weight: bold", False: ""})
    return style.apply(lambda _: weight, axis=None)


def printed(part: pd.DataFrame, attack: Attack) -> pd.DataFrame:
    """The paper's cells beside ours, where it has any for this data set and attack with as many
    steps."""
    if not st.session_state.get("paper") or attack.split != "test" or attack.norm != "Linf":
        return part
    papers = [published.rows(name, attack.name) for name in dict.fromkeys(part["data"])]
    papers = [rows[rows["steps"].isin([0, attack.steps])] for rows in papers]
    return pd.concat([part, *(rows for rows in papers if not rows.empty)], ignore_index=True)


def laid_out(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells as a table, without the columns that the title alone tells or in which all rows are
    as usual."""
    table = export.wide(cells)
    layout = st.session_state.get("shown")
    shown = LAID_OUT[layout](cells) if layout in LAID_OUT else table
    kept = set(export.concise(table).columns) - {"steps", "norm", "split"}
    return shown[[name for name in table.columns if name in shown and name in kept]]


def entries(chosen: Sequence[Run]) -> None:
    """Each run in the shape of RobustBench's model_info files."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("As RobustBench's model info:", width="content")
        for run in chosen:
            name = plain(run_names.shown(run.id))
            file = f"robustbench-{run_names.link(run.id)}.json"
            downloads.one(name, file, "application/json", partial(entry, run))


def entry(run: Run) -> str:
    """One run's file, JSON."""
    table = data.read(reader.attack_table, run.store)
    cells = export.accuracy_cells({run_names.shown(run.id): (run.config, table)})
    meta = data.value(reader.meta, run.store)
    return export.to_robustbench(run.config, meta, cells, run.about)
