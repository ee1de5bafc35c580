"""Runs that differ in their seed alone, as one row: trainings, never mixed with attack seeds."""

import json
from dataclasses import replace
from typing import Any

import pandas as pd

from smd.config import schema as configs
from smd.config.schema import TrainConfig
from smd.export.cells import Runs, accuracy_cells, as_cells
from smd.stats import mean_and_spread, pooled, wilson_of_one

# of a cell, beside the runs that it is of
WHAT = ["attack", "steps", "norm", "split", "n", "note", "eps"]


def same_but_seed(config: TrainConfig) -> str:
    """What runs share that differ in nothing but their seed, and where they worked."""
    return json.dumps(
        configs.to_json(replace(config, seed=0, device="")), sort_keys=True, default=str
    )


def trainings(runs: Runs) -> pd.DataFrame:
    """The cells of runs (export.CELLS), with the column key: the same where only seeds differ.

    Of several runs with the same seed the first counts, which is the newest if runs are in their
    usual order.
    """
    cells = accuracy_cells(runs)
    key = (
        cells["run"]
        .map({name: same_but_seed(config) for name, (config, _) in runs.items()})
        .rename("key")
    )
    seed = (
        cells["run"].map({name: config.seed for name, (config, _) in runs.items()}).rename("seed")
    )
    return (
        cells.assign(key=key, seed=seed)
        .drop_duplicates(["key", "seed", *WHAT])
        .drop(columns="seed")
    )


def grouped(runs: Runs) -> pd.DataFrame:
    """The cells of runs (export.CELLS), those of runs that differ in their seed alone as one.

    run becomes "3 trainings like" and the name of the first of them, or stays the run's own where
    there is one. percent is their mean, training_spread the standard deviation over them, low and
    high the 95 % interval of that mean for n images; seeds and spread stay those of the attack: the
    fewest, and the root mean square.
    """
    return as_cells(
        [_as_one(part) for _, part in trainings(runs).groupby(["key", *WHAT], sort=False)]
    )


def _as_one(part: pd.DataFrame) -> dict[str, Any]:
    """The cells of several trainings, all of one attack at one level, as one cell."""
    first = {str(name): value for name, value in part.drop(columns="key").iloc[0].items()}
    if len(part) == 1:
        return first
    mean, spread = mean_and_spread(part["percent"].to_list())
    low, high = wilson_of_one(mean / 100, first["n"])
    return {
        **first,
        "run": f"{len(part)} trainings like {first['run']}",
        "trainings": len(part),
        "percent": mean,
        "training_spread": spread,
        "low": 100 * low,
        "high": 100 * high,
        "seeds": part["seeds"].min(),
        "spread": pooled(part["spread"].to_list()),
    }
