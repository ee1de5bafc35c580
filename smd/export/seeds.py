"""Runs that differ in their seed alone, as one row: mean and spread over them, and the points of a Pareto plot."""

import json
from dataclasses import replace

import pandas as pd

from smd import config as configs
from smd.config import TrainConfig
from smd.export.cells import CELLS, Runs, accuracy_cells, as_cells
from smd.units import show_level

WHAT = ["attack", "steps", "norm", "split", "n", "eps"]  # of a cell, beside the runs that it is of


def same_but_seed(config: TrainConfig) -> str:
    """What runs share that differ in nothing but their seed, and where they worked."""
    return json.dumps(configs.to_json(replace(config, seed=0, device="")), sort_keys=True, default=str)


def grouped(runs: Runs) -> pd.DataFrame:
    """The cells of runs (export.CELLS), those that differ in their seed alone as one.

    run becomes "3 seeds" with the name of the first of them, or stays the run's own where there is one; percent is
    their mean and spread their standard deviation, seeds how many they are. The interval is left to single runs.
    Of several runs with the same seed the first counts, which is the newest if runs are in their usual order.
    """
    cells = accuracy_cells(runs)
    key = cells["run"].map({name: same_but_seed(config) for name, (config, _) in runs.items()}).rename("key")
    seed = cells["run"].map({name: config.seed for name, (config, _) in runs.items()}).rename("seed")
    first = cells.assign(key=key, seed=seed).drop_duplicates(["key", "seed", *WHAT])
    rows = [_as_one(part) for _, part in first.groupby(["key", *WHAT], sort=False)]
    return as_cells(rows)


def _as_one(part: pd.DataFrame) -> dict[str, object]:
    first = {str(name): value for name, value in part.iloc[0].items()}
    if len(part) == 1:
        return first
    return {
        **first, "run": f"{len(part)} seeds of {first['run']}", "seeds": len(part), "percent": part["percent"].mean(),
        "spread": part["percent"].std(), "low": float("nan"), "high": float("nan"),
    }  # fmt: skip


def pareto_points(runs: Runs) -> pd.DataFrame:
    """Clean against robust accuracy on test images, a row a group of runs that differ in their seed alone.

    Columns: title, defense (registry name), data, runs, clean, robust (%, means), clean_spread, robust_spread
    (standard deviation in points, nan for one run), attack, steps, eps, best. All are of the one data set, attack
    and level that most groups have seen, the largest level and the strongest attack if in doubt; best: no other is
    as good in both.
    """
    cells = grouped(runs)
    cells = cells[(cells["split"] == "test") & (cells["norm"] == "Linf")]
    robust = _seen_by_most(cells[cells["eps"] > 0])
    names = ["run", "defense", "method", "recipe", "data", "attack", "steps", "n", "note"]
    both = robust.merge(cells.loc[cells["eps"] == 0, [*names, "percent", "spread"]], on=names, suffixes=("", "_clean"))
    twice = both["defense"].duplicated(keep=False)
    points = pd.DataFrame({
        "title": both["defense"].where(~twice, both["defense"] + " (" + both["run"] + ")"),
        "defense": both["method"], "data": both["data"],
        "runs": [int(run.split(" ")[0]) if " seeds of " in run else 1 for run in both["run"]],
        "clean": both["percent_clean"], "robust": both["percent"], "clean_spread": both["spread_clean"],
        "robust_spread": both["spread"], "attack": both["attack"], "steps": both["steps"], "eps": both["eps"],
    })  # fmt: skip
    return points.assign(best=[not _beaten(row, points) for row in points.itertuples()])


def _seen_by_most(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of one data set, attack, number of steps and level; of a group the one on most images."""
    if cells.empty:
        return pd.DataFrame(columns=[*CELLS])
    strength = cells["attack"].map({"ce-pgd": 0, "ce-cw-pgd": 1, "autoattack": 2}).fillna(-1)
    rows = cells.assign(strength=strength, level=cells["eps"].map(show_level))
    counts = rows.groupby(["data", "strength", "steps", "level"]).agg(groups=("run", "nunique"), eps=("eps", "max"))
    chosen = counts.reset_index().sort_values(["groups", "strength", "eps", "steps"]).iloc[-1]
    same = (rows["strength"] == chosen["strength"]) & (rows["steps"] == chosen["steps"])
    same &= rows["data"] == chosen["data"]
    rows = rows[same & (rows["level"] == chosen["level"])]
    return rows.sort_values("n").drop_duplicates(["run", "defense", "recipe", "data"], keep="last")[[*CELLS]]


def _beaten(row: object, points: pd.DataFrame) -> bool:
    """Whether another point is better in one and at least as good in the other."""
    clean, robust = row.clean, row.robust  # type: ignore[attr-defined]
    as_good = (points["clean"] >= clean) & (points["robust"] >= robust)
    return bool((as_good & ((points["clean"] > clean) | (points["robust"] > robust))).any())
