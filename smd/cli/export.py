"""`export`: the tables of runs, as the pages show them."""

import argparse

from smd import export, runs
from smd.cli.table import FORMATS, accuracies, print_table
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
    for one in found:
        epoch = args.epoch or reader.last_epoch(one.store)
        if args.table == "epochs":
            table = export.epoch_table(reader.metrics(one.store))
        elif args.table == "margins":
            table = export.margin_table(reader.margins(one.store, epoch))
        else:
            table = reader.margin_hist(one.store, epoch)
        print_table(table, args.format)
    return None
