"""Printing tables: aligned text for people, JSON for programs."""

import sys

import pandas as pd

from smd import export
from smd.runs import Run
from smd.store import reader

FORMATS = ("text", "json", "csv", "markdown", "latex")


def print_table(table: pd.DataFrame, form: str) -> None:
    """One table on stdout."""
    if form == "json":
        print(export.to_json(table))
    elif form == "csv":
        sys.stdout.write(export.to_csv(table))
    elif form == "markdown":
        print(export.to_markdown(table))
    elif form == "latex":
        sys.stdout.write(export.to_latex(table, export.best(table)))
    else:
        print(table.to_string(index=False) if len(table) else "(nothing yet)")


def accuracies(runs: list[Run]) -> pd.DataFrame:
    """The accuracy table of some runs in the paper's shape."""
    return export.accuracy_table({run.id: (run.config, reader.attack_table(run.store)) for run in runs})


def print_accuracies(runs: list[Run], form: str) -> None:
    """The accuracy table on stdout."""
    print_table(accuracies(runs), form)
