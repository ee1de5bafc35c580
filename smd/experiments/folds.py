"""Cross-validation: the runs on the folds of one set of images, each fold and all of them
together, as a table.

Each image is in one test split. The trainings share most of their training images, so the spread
over folds is no standard error, and the interval is that of the share of all images tested.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from smd.config import schema as configs
from smd.config.schema import TrainConfig
from smd.export import accuracy_cells, attack_title
from smd.export.percent import rounded
from smd.frames import records
from smd.stats import mean_and_spread, wilson_of_one
from smd.units import show_level

Runs = Mapping[str, tuple[TrainConfig, pd.DataFrame]]  # as of smd.export.accuracy_cells
KEY = ["of", "defense", "seed", "attack", "steps", "norm", "note", "eps"]  # of what is pooled
COLUMNS = [
    *("defense", "seed", "attack", "eps", "fold", "images", "correct %", "low %", "high %"),
    *("mean of folds %", "SD over folds"),
]


def table(runs: Runs) -> pd.DataFrame:
    """The accuracy on the test images of each fold, then on those of all folds.

    A row a fold and one "all 5" for each defense, seed, attack and noise level; low and high are
    Wilson's 95 % interval for that row's images. The mean and the standard deviation (points) over
    folds stand in the rows of all folds; these say "3 of 5" where folds are missing. Of several
    runs on one fold the first counts. Runs without folds are left out.
    """
    folded = {run: about for run, about in runs.items() if about[0].folds}
    cells = accuracy_cells(folded)
    cells = cells[cells["split"] == "test"].sort_values("n", ascending=False, kind="stable")
    for name, take in (("of", _of), ("seed", _seed), ("fold", _fold), ("folds", _folds)):
        cells[name] = [take(folded[run][0]) for run in cells["run"]]
    cells = cells.drop_duplicates([*KEY, "fold"]).sort_index()
    rows = [row for _, part in cells.groupby(KEY, sort=False) for row in _rows(part)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _of(config: TrainConfig) -> str:
    """What the folds of one cross-validation share."""
    same = configs.to_json(replace(config, fold=0, device=""))
    return json.dumps(same, sort_keys=True, default=str)


def _seed(config: TrainConfig) -> int:
    return config.seed


def _fold(config: TrainConfig) -> int:
    return config.fold


def _folds(config: TrainConfig) -> int:
    return config.folds


def _rows(part: pd.DataFrame) -> list[dict[str, Any]]:
    """Of one defense, seed, attack and noise level: each fold, then all."""
    part = part.sort_values("fold")
    each = [
        _row(cell, str(cell["fold"]), cell["percent"] / 100, cell["n"]) for cell in records(part)
    ]
    first, n = records(part)[0], int(part["n"].sum())
    there, folds = len(part), int(first["folds"])
    of_all = f"all {folds}" if there == folds else f"{there} of {folds}"
    share = float((part["percent"] / 100 * part["n"]).sum() / n)
    mean, spread = mean_and_spread(part["percent"].to_list())
    over = {"mean of folds %": rounded(mean), "SD over folds": rounded(spread)}
    return [*each, _row(first, of_all, share, n) | over]


def _row(cell: Mapping[str, Any], fold: str, share: float, n: int) -> dict[str, Any]:
    low, high = wilson_of_one(share, n)
    return {
        "defense": cell["defense"],
        "seed": cell["seed"],
        "attack": attack_title(cell["attack"], cell["note"], cell["steps"]),
        "eps": show_level(cell["eps"], cell["norm"]),
        "fold": fold,
        "images": n,
        "correct %": rounded(100 * share),
        "low %": rounded(100 * low),
        "high %": rounded(100 * high),
        "mean of folds %": math.nan,
        "SD over folds": math.nan,
    }
