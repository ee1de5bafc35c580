"""The accuracies that the paper prints in its Tables 1 and 2, in the shape of our own."""

from functools import cache
from pathlib import Path

import pandas as pd

from smd.export.cells import CELLS, as_cells
from smd.frames import records
from smd.units import show_levels

FILE = Path(__file__).with_name("published.csv")
# the columns of noise levels, in 1/255
LEVELS = {name: int(name) / 255 for name in ("0", "2", "4", "8")}

# Sec. 4: iterations, and the runs with different seeds that the mean is over; CE-CW-PGD is one
# result of ten runs.
STEPS = {"ce-pgd": 100, "ce-cw-pgd": 100}
SEEDS = {"ce-pgd": 5, "autoattack": 3}


def printed() -> pd.DataFrame:
    """The tables as printed, a row a line: table, data, net, attack, defense, 0, 2, 4, 8 and avg in
    %, note."""
    return _read().copy()


def rows(data: str, attack: str = "") -> pd.DataFrame:
    """The paper's cells (export.CELLS) on a data set, under one attack or (""), all.

    None where it has none.

    The number of images is 0 and interval and spread are nan: the paper prints none. Averages are
    as printed; computed they differ by at most 0.01, where the paper cut instead of rounding.
    """
    table = _cells()
    return table[(table["data"] == data) & (not attack or table["attack"] == attack)].reset_index(
        drop=True
    )


@cache
def _read() -> pd.DataFrame:
    return pd.read_csv(FILE, keep_default_na=False)


@cache
def _cells() -> pd.DataFrame:
    table = _read()
    table = table.assign(
        source="paper",
        method="",
        recipe="",
        run="Table " + table["table"],
        norm="Linf",
        split="test",
        n=0,
        steps=table["attack"].map(STEPS).fillna(0),
        seeds=table["attack"].map(SEEDS).fillna(1),
        low=float("nan"),
        high=float("nan"),
        spread=float("nan"),
        trainings=0,
        training_spread=float("nan"),
        watched=show_levels(tuple(LEVELS.values())),
        average=table["avg"],
    )
    long = table.melt(
        [name for name in table.columns if name in CELLS],
        [*LEVELS],
        "eps",
        "percent",
        ignore_index=False,
    )
    long["eps"] = long["eps"].map(LEVELS)
    return as_cells(records(long.sort_index(kind="stable")))
