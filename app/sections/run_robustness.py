"""Accuracies of several runs under their attacks: by level, against clean ones, over trainings."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
import streamlit as st

from smd import export
from smd.runs.folders import Run
from smd.store import reader
from smd.units import level_title

from .. import data
from ..charts import levels
from ..charts import pareto as pareto_chart
from ..components import downloads, run_names, tables
from ..components.plain import plain

PARETO = (
    "of runs that differ in their seed alone it is the mean, and each training is a small point."
    " Lines are 95 % intervals for so many images: where they overlap, points may stand as they do"
    " by chance. A hollow point is beaten: another is better in one accuracy by a paired test at"
    " 5 % on the same images, and not worse in the other; with several trainings a test over them"
    " (Welch's) has to agree."
)
SPREAD = (
    "Runs that differ in their seed alone are trainings of one network. A spread is a standard"
    " deviation in points: over trainings it says how much a new training may change, over attack"
    " seeds how much a new attack on the same network may. The 95 % interval is that of the mean"
    " for n images."
)


class Found(NamedTuple):
    """What attacks on several runs say of them, see smd.export."""

    points: pd.DataFrame
    pareto: pd.DataFrame
    cells: pd.DataFrame


def section(chosen: list[Run]) -> None:
    """Everything that attacks on these runs say of them."""
    names = tuple(run_names.shown(run.id) for run in chosen)
    found = data.several(of_runs, chosen, names)
    by_level(found.points, names)
    pareto(found.pareto)
    trainings(found.cells)


def of_runs(chosen: Sequence[Run], names: tuple[str, ...]) -> Found:
    """All of it; names: what the runs are called."""
    called = dict(zip(names, chosen, strict=True))
    attacked = {n: (run.config, data.outline(run.store).accuracies) for n, run in called.items()}
    verdicts = {n: data.read(reader.image_verdicts, run.store) for n, run in called.items()}
    return Found(
        export.robustness_points(attacked),
        export.pareto_points(attacked, verdicts),
        export.grouped(attacked),
    )


def attack_of(points: pd.DataFrame) -> str:
    """The attack that all points are of, with its steps."""
    first = points.iloc[0]
    return export.attack_title(first["attack"], first["note"], int(first["steps"]))


def numbers(points: pd.DataFrame) -> str:
    """How many images points are of: "500 or 1,000"."""
    return " or ".join(f"{n:,}" for n in sorted(points["n"].unique()))


def by_level(points: pd.DataFrame, names: Sequence[str]) -> None:
    """Accuracy against the noise level; points: export.robustness_points of the runs with these
    names."""
    if points.empty:
        return
    st.header("Accuracy against the noise level")
    absent = ", ".join(run for run in names if run not in set(points["run"]))
    left_out = f" Not drawn, as they have not seen this attack on these data: {absent}."
    st.caption(
        f"{numbers(points)} test images of {plain(points['data'].iloc[0])} under"
        f" {attack_of(points)}, with the 95 % interval for so many images."
        f"{plain(left_out) if absent else ''}"
    )
    most = points[points["eps"] == points["eps"].max()]
    each = "; ".join(
        f"{p.run} {p.percent:.1f} % ({p.low:.1f} to {p.high:.1f})" for p in most.itertuples()
    )
    chart = levels.robustness(points)
    st.altair_chart(
        chart,
        key="robustness",
        alt=f"At {level_title(float(most['eps'].iloc[0]), str(most['norm'].iloc[0]))}: {each}",
    )
    downloads.of_table(points, "robustness", chart=chart)


def pareto(points: pd.DataFrame) -> None:
    """Clean against robust accuracy, where there are two defenses; points: export.pareto_points."""
    if len(points) < 2:
        return
    level = level_title(float(points["eps"].iloc[0]), str(points["norm"].iloc[0]))
    on = plain(points["data"].iloc[0])
    st.header(f"Clean against robust accuracy on {on}, {attack_of(points)} at {level}")
    st.caption(f"A point a defense, on {numbers(points)} test images; {PARETO}")
    chart = pareto_chart.pareto(points, level)
    st.altair_chart(
        chart,
        key="pareto",
        alt="; ".join(
            f"{p.title}: {p.clean:.1f} % clean ({p.clean_low:.1f} to {p.clean_high:.1f}),"
            f" {p.robust:.1f} % robust ({p.robust_low:.1f} to {p.robust_high:.1f})"
            for p in points.itertuples()
        ),
    )
    downloads.of_table(points.drop(columns="defense"), "pareto", chart=chart)


def trainings(cells: pd.DataFrame) -> None:
    """Mean and spread of each defense that was trained more than once; cells: export.grouped."""
    cells = cells[cells["split"] == "test"]
    if not (cells["trainings"] > 1).any():
        return
    st.header("Mean and spread over trainings")
    st.caption(SPREAD)
    table = export.detailed(cells)
    if (table.groupby("defense")["run"].nunique() == 1).all():
        table = table.drop(columns="run")
    decimals = {
        name: st.column_config.NumberColumn(format="%.2f")
        for name in table.select_dtypes("float").columns
    }
    tables.show(
        table,
        key="seeds",
        column_config=decimals,
        alt="Mean accuracies of each defense, with their spread over trainings.",
    )
    downloads.of_table(table, "trainings")
