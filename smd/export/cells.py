"""Measured accuracies in the long shape "cells": a row a run, attack and noise level.

Tables of every shape and the paper's own numbers (smd.experiments.published) are made from it.
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from smd.config.schema import TrainConfig
from smd.export.titles import data_names, defense_title
from smd.frames import records
from smd.units import show_levels

Runs = Mapping[str, tuple[TrainConfig, pd.DataFrame]]  # name -> (config, reader.attack_table)

CELLS = {  # column -> its type
    "source": "str",  # "ours" or "paper"
    "run": "str",
    "defense": "str",  # title, with its knobs
    "method": "str",  # its registry name, "" for the paper
    "recipe": "str",  # "common", "official" or "" where unknown
    "data": "str",  # of the registry, or as own images are called
    "attack": "str",  # registry name
    "steps": "int64",  # 0 where unknown
    "norm": "str",  # "Linf" or "L2"
    "split": "str",
    "n": "int64",  # images attacked, 0 where unknown
    "seeds": "int64",  # of the attack; of several trainings those of each
    "trainings": "int64",  # runs that differ in their seed alone, 0 where unknown
    "eps": "float64",  # noise level in [0, 1], 0: clean
    "percent": "float64",  # mean accuracy over attack seeds, and over trainings
    "low": "float64",  # ends of its 95 % interval for n images, nan where unknown
    "high": "float64",
    "spread": "float64",  # standard deviation over attack seeds in points, nan where unknown
    # standard deviation over trainings in points, nan for one and where unknown
    "training_spread": "float64",
    "watched": "str",  # the levels that "Avg." is over: "0,2/255,4/255,8/255"
    "average": "float64",  # over those levels as printed elsewhere, nan: to be computed
    "note": "str",
}


def as_cells(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows with a value for each of CELLS, typed as it says also where there are none."""
    return pd.DataFrame(rows, columns=[*CELLS]).astype(CELLS)


def accuracy_cells(runs: Runs) -> pd.DataFrame:
    """The cells of runs, in their order; columns as in CELLS, accuracies in %."""
    rows = []
    sets = data_names([config for config, _ in runs.values()])
    for (run, (config, table)), name in zip(runs.items(), sets, strict=True):
        about = {
            "source": "ours",
            "run": run,
            "defense": defense_title(config),
            "method": config.defense,
            "recipe": config.recipe,
            "data": name,
            "watched": show_levels((0.0, *config.levels), config.norm),
            "average": math.nan,
            "trainings": 1,
            "training_spread": math.nan,
        }
        rows += [{**about, **_measured(row)} for row in records(table)]
    return as_cells(rows)


def _measured(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of reader.attack_table in the names and units of cells; what is missing counts as
    unknown."""
    shares = {"percent": "accuracy", "low": "lo", "high": "hi", "spread": "spread"}
    note = row.get("note")
    return {
        **{name: row[name] for name in ("norm", "split", "n", "seeds", "eps")},
        **{name: 100 * row.get(share, math.nan) for name, share in shares.items()},
        "attack": row["name"],
        "steps": 0 if pd.isna(row["steps"]) else row["steps"],
        "note": note if isinstance(note, str) else "",  # a store has no text as None or nan
    }
