"""`export`: the tables of runs, as the pages show them, and their networks."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from smd import export
from smd.analysis.balanced import balanced_cells, said
from smd.cli import flags
from smd.cli.table import FORMATS, as_text, facts, named, verdicts
from smd.errors import UserError
from smd.experiments import published
from smd.publish.formats import FORMATS as NETWORKS
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader

TABLES = ("accuracy", "epochs", "margins", "histogram", "verdicts")
BY_EPOCH = ("margins", "histogram")
FILES = ("parquet", "robustbench")  # formats that are no table on a terminal
SILENT = ("csv", "json", "parquet")  # those without a place for a sentence


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `export`."""
    sub = commands.add_parser(
        "export",
        help="print a table of runs as CSV, Markdown, LaTeX, JSON, or write Parquet; or write"
        " their networks",
    )
    sub.add_argument(
        "runs", nargs="+", metavar="RUN", help="run ids, their beginnings or ends, or 'last'"
    )
    _what(sub)
    sub.add_argument("--epoch", type=int, help="of margins and histogram (0: the last)")
    sub.add_argument(
        "--intervals",
        action="store_true",
        help="accuracy: with 95 %% intervals and, apart, spread over attack seeds",
    )
    sub.add_argument(
        "--balanced",
        action="store_true",
        help="accuracy: balanced, the mean over the classes' accuracies",
    )
    sub.add_argument(
        "--published",
        action="store_true",
        help="accuracy: with the paper's own rows, marked as such",
    )
    sub.add_argument("--format", choices=(*FORMATS, *FILES), default="csv", help="(csv)")
    sub.add_argument(
        "--out",
        type=flags.place,
        help="write this file; Parquet needs one, networks are named by their runs without it",
    )
    sub.set_defaults(run_command=run)


def _what(sub: argparse.ArgumentParser) -> None:
    """A table or a network."""
    what = sub.add_mutually_exclusive_group()
    what.add_argument("--table", choices=TABLES, default="accuracy", help="(accuracy)")
    what.add_argument(
        "--weights", choices=NETWORKS, help="no table, but the trained network in this format"
    )
    sub.add_argument(
        "--averaged", action="store_true", help="weights: those of --average ema (the last ones)"
    )


def run(args: argparse.Namespace) -> None:
    """Print the table, or write it."""
    if args.epoch is not None and (args.weights or args.table not in BY_EPOCH):
        raise UserError("--epoch is of --table margins or histogram: leave it out here.")
    runs = [folders.find(text) for text in args.runs]
    if args.weights:
        return _networks(runs, args)
    if args.format == "robustbench":
        return _write(f"{_robustbench(runs)}\n".encode(), args.out)
    table, bold, told = (
        _accuracies(runs, args) if args.table == "accuracy" else (_others(runs, args), None, "")
    )
    if told and args.format in SILENT:
        print(told, file=sys.stderr)
    if args.format == "parquet":
        if args.out is None:
            raise UserError("Parquet is no text: name a file with --out table.parquet.")
        return _write(export.to_parquet(table), args.out)
    return _write(as_text(table, args.format, bold, told).encode(), args.out)


def _write(content: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(content.decode())
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from None


def _networks(runs: list[Run], args: argparse.Namespace) -> None:
    """Write each run's network, and print what was written and checked."""
    if args.out and len(runs) > 1:
        raise UserError(f"{args.out} holds one network: export the runs one by one.")
    from smd.publish.networks import export_network
    from smd.tasks.network import trained_network

    which = "ema" if args.averaged else "last"
    for one in runs:
        path = args.out or Path(f"{one.id}.{args.weights}")
        print(export_network(one, trained_network(one, which), path, args.weights), flush=True)


def _accuracies(
    runs: list[Run], args: argparse.Namespace
) -> tuple[pd.DataFrame, pd.DataFrame | None, str]:
    """The table, what is bold in it (None: nothing was compared), and what must be told of it."""
    cells = export.accuracy_cells(
        {name: (one.config, reader.attack_table(one.store)) for name, one in named(runs).items()}
    )
    told = ""
    if args.balanced:
        known = facts(runs)
        cells = balanced_cells(cells, verdicts(runs), known)
        told = said(known, args.intervals)
    elif args.published:
        printed = [published.rows(name) for name in dict.fromkeys(one.config.data for one in runs)]
        cells = pd.concat([cells, *(rows for rows in printed if not rows.empty)], ignore_index=True)
    table = export.concise(export.interval_table(cells) if args.intervals else export.wide(cells))
    if args.balanced or args.format not in ("markdown", "latex"):
        return table, None, told
    bold = export.best(cells, verdicts(runs)).reindex(columns=table.columns, fill_value=False)
    return table, bold, told


def _robustbench(runs: list[Run]) -> str:
    """One entry for one run, a list for several."""
    texts = []
    for one in runs:
        cells = export.accuracy_cells({one.id: (one.config, reader.attack_table(one.store))})
        about = one.about
        texts.append(export.to_robustbench(one.config, reader.meta(one.store), cells, about))
    return texts[0] if len(texts) == 1 else "[" + ",\n".join(texts) + "]"


def _others(runs: list[Run], args: argparse.Namespace) -> pd.DataFrame:
    tables = {name: _table(one, args.table, args.epoch or 0) for name, one in named(runs).items()}
    if len(runs) > 1:
        tables = {name: table.assign(run=name) for name, table in tables.items()}
    return pd.concat(tables.values(), ignore_index=True)


def _table(run: Run, what: str, asked: int) -> pd.DataFrame:
    last = reader.last_epoch(run.store)
    if what in BY_EPOCH and not 0 <= asked <= last:
        raise UserError(f"{run.id} has no epoch {asked}: its last one is {last}.")
    if what == "epochs":
        return export.epoch_table(reader.metrics(run.store), run.config.norm)
    if what == "margins":
        files = reader.sample_paths(run.store, "train")
        return export.with_paths(
            export.margin_table(reader.margins(run.store, asked or last), run.config.norm), files
        )
    if what == "verdicts":
        return export.verdict_table(
            reader.image_verdicts(run.store), reader.sample_paths(run.store)
        )
    return reader.margin_hist(run.store, asked or last)
