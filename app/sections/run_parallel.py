"""What was varied over the runs of a sweep, and the robust accuracy that came of it: an axis for
each setting that varied."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from smd import export
from smd.config import schema
from smd.runs.folders import Run
from smd.training import monitor_size
from smd.units import level_title

from .. import data
from ..charts import files, parallel
from ..components import downloads, look_sizes, run_names
from ..components.plain import plain

FEWEST = 3  # runs that make a picture
MOST_AXES = 8
# of a config: what does not change the network, and where a run's images lie
BESIDE = (
    *("schema", "device", "devices", "log", "n_test", "n_margins", "data", "data_path"),
    *("microbatch", "allow_leaks"),
)
TITLES = {"net": "network", "n_train": "training images", "init": "start"}


class Measured(NamedTuple):
    """One accuracy of several runs that can be compared."""

    title: str  # with its unit
    about: str  # of which images, under which attack
    values: dict[str, float]  # id of a run -> %


def section(chosen: Sequence[Run]) -> None:
    """Nothing where too few runs can be compared, or nothing varied."""
    alike = same_images(chosen)
    names = tuple(run_names.shown(run.id) for run in alike)
    measured, table = data.several(compared, alike, names)
    if measured is None or table.shape[1] < 2:
        return
    cut = list(table.columns[1 + MOST_AXES :])
    table = table.drop(columns=cut)
    table[measured.title] = [measured.values[i] for i in table.index]
    st.header("What was varied, and the accuracy that came of it")
    st.caption(plain(f"A line a run. {measured.about}{left_out(chosen, measured, cut)}"))
    best = table.sort_values(measured.title).iloc[-1]
    chart = parallel.coordinates(table, measured.title)
    st.altair_chart(
        chart,
        key="parallel",
        alt=f"{len(table)} runs; the highest is {best['run']}: {best[measured.title]:.2f} %.",
    )
    downloads.of_table(table, "varied", chart=chart, inches=files.PAGE)


def compared(
    runs: Sequence[Run], _names: tuple[str, ...]
) -> tuple["Measured | None", pd.DataFrame]:
    """An accuracy of these runs, and what was varied over those that have it; names: what they are
    called, for the cache."""
    measured = tested(runs) or watched(runs)
    having = [run for run in runs if measured and run.id in measured.values]
    return measured, varied(having)


def same_images(chosen: Sequence[Run]) -> list[Run]:
    """The runs on the data set that most of them have, the newest in doubt."""
    sets = [(run.config.data, run.config.data_path) for run in chosen]
    most = max(dict.fromkeys(sets), key=sets.count, default=None)
    return [run for run, own in zip(chosen, sets, strict=True) if own == most]


def tested(runs: Sequence[Run]) -> Measured | None:
    """Robust accuracy of test images under the attack that most have seen, at its largest level;
    None where too few have."""
    tables = {run.id: (run.config, data.outline(run.store).accuracies) for run in runs}
    points = export.robustness_points(tables)
    points = points[points["eps"] > 0]
    if points.empty:
        return None
    seen = points.groupby("eps")["run"].nunique()
    eps = float(max(seen[seen == seen.max()].index))
    rows = points[points["eps"] == eps].drop_duplicates("run", keep="last")
    if len(rows) < FEWEST:
        return None
    first, level = rows.iloc[0], level_title(eps, str(rows["norm"].iloc[0]))
    attack = export.attack_title(first["attack"], first["note"], int(first["steps"]))
    n = " or ".join(f"{n:,}" for n in sorted(rows["n"].unique()))
    return Measured(
        f"robust accuracy at {level} (%)",
        f"{n} test images under {attack} at {level}; intervals stand with the curves of accuracy"
        " below.",
        dict(zip(rows["run"], rows["percent"], strict=True)),
    )


def watched(runs: Sequence[Run]) -> Measured | None:
    """The same of validation images under the quick PGD after the last epoch."""
    last = {run.id: (run.config.norm, data.brief(_last_looks, run.store)) for run in runs}
    levels = [(norm, eps) for norm, looks in last.values() for eps in looks]
    if not levels:
        return None
    norm, eps = max(set(levels), key=lambda pair: (levels.count(pair), pair[1]))
    values = {i: looks[eps] for i, (own, looks) in last.items() if own == norm and eps in looks}
    if len(values) < FEWEST:
        return None
    level = level_title(eps, norm)
    return Measured(
        f"quick PGD at {level}, validation (%)",
        f"{_sizes(runs, values)} validation images under PGD with {monitor_size.STEPS} steps at"
        f" {level}, last epoch: a quick look, no judgement; intervals are among the table's columns"
        " above. Attack the runs with one attack to see test images here.",
        values,
    )


def _sizes(runs: Sequence[Run], seen: Collection[str]) -> str:
    """How many images these runs' looks attack: "144 or 300"."""
    sizes = {look_sizes.of(run)["val", True] for run in runs if run.id in seen}
    return " or ".join(f"{n:,}" for n in sorted(sizes))


def _last_looks(store: Path) -> dict[float, float]:
    """Accuracy (%) under the quick PGD after the last epoch, by noise level."""
    own = data.outline(store).validation
    own = own[(own["eps"] > 0) & (own["epoch"] == own["epoch"].max())]
    return {float(eps): 100 * float(v) for eps, v in zip(own["eps"], own["value"], strict=True)}


def varied(runs: Sequence[Run]) -> pd.DataFrame:
    """A row a run, by its id: what it is called, and the settings in which the runs differ."""
    fields = {run.id: settings(run) for run in runs}
    frame = pd.DataFrame.from_dict(fields, orient="index")
    told = {name: frame[name].map(_value) for name in frame}
    kept = {name: values for name, values in told.items() if values.nunique() > 1}
    names = [run_names.shown(run.id) for run in runs]
    return pd.DataFrame({"run": pd.Series(names, [run.id for run in runs], dtype=str), **kept})


def settings(run: Run) -> dict[str, Any]:
    """What was asked for, the defense's own settings one by one."""
    values = schema.to_json(run.config)
    knobs = values.pop("params", {})
    own = {TITLES.get(name, name): value for name, value in values.items() if name not in BESIDE}
    return own | {f"{run.config.defense}: {name}": value for name, value in knobs.items()}


def _value(value: Any) -> Any:
    """As an axis shows it."""
    if value is None or value != value or value == "":
        return export.EMPTY
    return json.dumps(value) if isinstance(value, (list, tuple, dict, bool)) else value


def left_out(chosen: Sequence[Run], measured: Measured, cut: Sequence[str]) -> str:
    """The runs and settings that are not in the picture, and why, in a sentence each."""
    absent = [run_names.shown(run.id) for run in chosen if run.id not in measured.values]
    said = (
        f" Not drawn, as they are of other images or have not seen this: {', '.join(absent)}."
        if absent
        else ""
    )
    return said + (f" Varied, too, without an axis: {', '.join(cut)}." if cut else "")
