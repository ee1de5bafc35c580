"""`report`: a run as one HTML page that can be attached as it is."""

import argparse
from pathlib import Path

from smd.cli import flags
from smd.config.on_runs import SPLITS
from smd.report import page
from smd.runs import folders
from smd.terminal.visible import visible


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `report`."""
    sub = commands.add_parser(
        "report",
        help="write a run's report: one HTML page with its data, accuracies, margins and limits",
        description="Write one HTML page that says what was trained on what, how it does under"
        " attack and what cannot be concluded. It needs no other file and asks no network.",
    )
    sub.add_argument("run", metavar="RUN", help="run id, its beginning or end, or 'last'")
    sub.add_argument(
        "--out",
        type=flags.place,
        help="write this file (RUN-report.html here, RUN being the run's id)",
    )
    sub.add_argument("--split", choices=SPLITS, default="test", help="whose images (test)")
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """Write the page, and say where it is."""
    one = folders.find(args.run)
    path = args.out or Path(f"{one.id}-report.html")
    page.write(one, path, args.split)
    print(visible(str(path)))
