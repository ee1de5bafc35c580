"""Tables of what changes with the noise level, the epoch or the sample."""

import pandas as pd

from smd.export.cells import Runs
from smd.units import show_level


def robustness_points(runs: Runs) -> pd.DataFrame:
    """Accuracy against the noise level on test images: run, defense, attack, steps, norm, eps, percent, low, high.

    All points are of the one attack that most of the runs have seen, in doubt the one with the most levels, then steps.
    """
    tables = [table.assign(run=run, defense=config.defense) for run, (config, table) in runs.items()]
    rows = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["split"])
    rows = rows[rows["split"] == "test"]
    if rows.empty:
        return pd.DataFrame(columns=["run", "defense", "attack", "steps", "norm", "eps", "percent", "low", "high"])
    kinds = rows.groupby(["name", "steps", "norm"])
    seen = kinds.agg(runs=("run", "nunique"), levels=("eps", "nunique")).reset_index()
    seen = seen.sort_values(["runs", "levels", "steps"])
    name, steps, norm = seen[["name", "steps", "norm"]].iloc[-1]
    rows = rows[(rows["name"] == name) & (rows["steps"] == steps) & (rows["norm"] == norm)]
    rows = rows[rows["n"] == rows.groupby("run")["n"].transform("max")]
    percent = {"percent": 100 * rows["accuracy"], "low": 100 * rows["lo"], "high": 100 * rows["hi"]}
    return rows.assign(attack=name, **percent)[["run", "defense", "attack", "steps", "norm", "eps", *percent]]


def epoch_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """reader.metrics made wide: a row an epoch, a column a metric like "val accuracy 8/255"."""
    levels = [f" {show_level(eps)}" if eps else "" for eps in metrics["eps"]]
    names = metrics["split"] + " " + metrics["name"] + pd.Series(levels, metrics.index, dtype=object)
    long = metrics.assign(column=names).drop_duplicates(["epoch", "column"], keep="last")
    wide = long.pivot(index="epoch", columns="column", values="value")[list(names.unique())]
    return wide.rename_axis(columns=None).reset_index()


def margin_table(margins: pd.DataFrame) -> pd.DataFrame:
    """reader.margins with the sample's id first and the margin in 1/255 beside it."""
    table = margins.rename(columns={"idx": "id"})
    table.insert(table.columns.get_loc("margin") + 1, "margin_255", (table["margin"] * 255.0).round(3))
    return table
