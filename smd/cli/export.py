"""`export`: the tables of runs, as the pages show them."""

import argparse

import pandas as pd

from smd import export, runs
from smd.cli.table import FORMATS, accuracies, print_table
from smd.errors import UserError
from smd.runs import Run
from smd.store import reader

TABLES = ("accuracy", "epochs", "margins", "histogram")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `export`."""
    sub = commands.add_parser("export", help="print a table of runs as CSV, Markdown or JSON")
    sub.add_argument("runs", nargs="+", metavar="RUN", help="run ids, their beginnings or ends, or 'last'")
    sub.add_argument("--table", choices=TABLES, default="accuracy", help="(accuracy)")
    sub.add_argument("--epoch", type=int, default=0, help="of margins and histogram (0: the last)")
    sub.add_argument("--format", choices=FORMATS, default="csv", help="(csv)")
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """Print the table."""
    found = [runs.find(text) for text in args.runs]
    if args.table == "accuracy":
        return print_table(accuracies(found), args.format)
    tables = [_table(one, args.table, args.epoch) for one in found]
    if len(found) > 1:
        tables = [table.assign(run=one.id) for one, table in zip(found, tables, strict=True)]
    return print_table(pd.concat(tables, ignore_index=True), args.format)


def _table(run: Run, what: str, asked: int) -> pd.DataFrame:
    last = reader.last_epoch(run.store)
    if what != "epochs" and not 0 <= asked <= last:
        raise UserError(f"{run.id} has no epoch {asked}: its last one is {last}.")
    if what == "epochs":
        return export.epoch_table(reader.metrics(run.store))
    if what == "margins":
        return export.margin_table(reader.margins(run.store, asked or last))
    return reader.margin_hist(run.store, asked or last)
