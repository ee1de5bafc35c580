"""Printing tables: aligned text for people, JSON for programs."""

import sys

import pandas as pd

from smd import export
from smd.runs import names
from smd.runs.folders import Run
from smd.store import reader
from smd.terminal.visible import visible

FORMATS = ("text", "json", "csv", "markdown", "latex")


def print_table(table: pd.DataFrame, form: str, bold: pd.DataFrame | None = None) -> None:
    """One table on stdout; bold: booleans of its shape, for the formats that can print it.

    What a terminal would obey is shown; a file or a program gets JSON and CSV as they are.
    """
    text = as_text(table, form, bold)
    raw = form in ("json", "csv") and not sys.stdout.isatty()
    sys.stdout.write(text if raw else visible(text))


def as_text(
    table: pd.DataFrame, form: str, bold: pd.DataFrame | None = None, told: str = ""
) -> str:
    """A table in one of FORMATS; below it, where there is a place, what is told of it, and what is
    bold."""
    note = " ".join([*[told] * bool(told), *[export.BOLD] * (bold is not None)])
    if form == "json":
        return export.to_json(table) + "\n"
    if form == "csv":
        return export.to_csv(table)
    if form == "markdown":
        return export.to_markdown(table, bold, note) + "\n"
    if form == "latex":
        return export.to_latex(table, bold, note=note)
    text = export.to_text(table) if len(table) else "(nothing yet)"
    return "\n".join([text, *[told] * bool(told)]) + "\n"


def print_accuracies(runs: list[Run], form: str) -> None:
    """The accuracy table of some runs, in the paper's shape, on stdout."""
    cells = export.accuracy_cells(
        {name: (run.config, reader.attack_table(run.store)) for name, run in named(runs).items()}
    )
    table = export.concise(export.wide(cells))
    print_table(
        table,
        form,
        (
            export.best(cells, verdicts(runs))[table.columns]
            if form in ("markdown", "latex")
            else None
        ),
    )


def named(runs: list[Run]) -> dict[str, Run]:
    """The runs by what tables call them."""
    called = names.shown(runs)
    return {called[run.id]: run for run in runs}


def verdicts(runs: list[Run]) -> dict[str, pd.DataFrame]:
    """How each image fared under the attacks on some runs, by what tables call these."""
    return {name: reader.image_verdicts(run.store) for name, run in named(runs).items()}


def facts(runs: list[Run]) -> dict[str, dict[str, pd.DataFrame]]:
    """Labels and patients of the images of some runs, by what tables call these and the
    splits."""
    return {
        name: {
            split: reader.sample_facts(run.store, split)
            for split in reader.split_sizes(run.store)["split"]
        }
        for name, run in named(runs).items()
    }
