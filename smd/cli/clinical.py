"""`clinical`: sensitivity, specificity, areas under the ROC curve and their like, also under
attack."""

import argparse
import math
import sys

from smd.analysis.clinical_sources import Asked
from smd.analysis.clinical_tables import Clinical, clinical_tables
from smd.cli.table import FORMATS, print_table
from smd.config.on_runs import SPLITS
from smd.errors import UserError
from smd.registry import ATTACKS
from smd.registry.kinds import NORMS
from smd.runs import folders
from smd.terminal.visible import visible
from smd.units import parse_levels

TABLES = ("numbers", "groups", "confusion")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `clinical`."""
    sub = commands.add_parser(
        "clinical",
        help="print sensitivity, specificity, AUC and their like, clean and under attack",
        description=(
            "Print clinical numbers with 95 %% intervals over patients, from stored scores (see"
            " `score`) and, where there are none, from the verdicts of attacks."
        ),
    )
    sub.add_argument("run", metavar="RUN", help="run id, its beginning or end, or 'last'")
    sub.add_argument("--split", choices=SPLITS, default="test", help="which images (test)")
    sub.add_argument("--eps", default="", help="noise levels like 0,8/255 (all that are known)")
    sub.add_argument("--norm", choices=NORMS, help="of the noise (as in the run's training)")
    sub.add_argument(
        "--threshold",
        type=_threshold,
        help="of the second class's probability: a number, or youden, which chooses it on"
        " validation images (the likeliest class)",
    )
    sub.add_argument("--group", default="", help="only groups of this name, like site (all)")
    sub.add_argument("--attack", choices=tuple(ATTACKS), default="", help="(the strongest)")
    sub.add_argument("--weights", choices=("last", "ema"), default="last", help="(last)")
    sub.add_argument(
        "--table", choices=TABLES, help="one table (text: all of them; else the numbers)"
    )
    sub.add_argument("--format", choices=FORMATS, default="text", help="(text)")
    sub.set_defaults(run_command=run)


def _threshold(text: str) -> str | float:
    try:
        return text if text == "youden" else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is neither youden nor a number") from None


def run(args: argparse.Namespace) -> None:
    """Print the tables, and below them what they do not say."""
    one = folders.find(args.run)
    own = one.config.norm
    norm = args.norm or own
    levels = parse_levels(args.eps, 1.0 if norm == "Linf" else math.inf)
    asked = Asked(one.store, one.id, args.split, norm, args.weights, args.attack, own)
    found = clinical_tables(asked, levels, args.threshold, args.group)
    _print(found, args)
    told = "\n".join(found.notes)
    print(visible(told), file=sys.stdout if args.format == "text" else sys.stderr)


def _print(found: Clinical, args: argparse.Namespace) -> None:
    tables = {"numbers": found.numbers, "groups": found.groups, "confusion": found.confusion}
    if args.table and tables[args.table].empty:
        raise UserError(f"There is no table of {args.table} here: choose another.")
    if args.table or args.format != "text":
        print_table(tables[args.table or "numbers"], args.format)
        return
    for table in tables.values():
        if not table.empty:
            print_table(table, "text")
            print()
