"""`devices`: which devices jobs may use, and what is done with them."""

import argparse
import sys

import pandas as pd

from smd.cli.table import FORMATS, print_table
from smd.devices import AUTO
from smd.jobs import overview
from smd.jobs.kinds import job_id
from smd.units import show_bytes


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `devices`."""
    sub = commands.add_parser(
        "devices",
        help="list the devices, their memory and the jobs on them",
        description=(
            "List the devices that jobs may use (SMD_DEVICES), their memory in all and free, the"
            " jobs at work there and how many wait."
        ),
    )
    sub.add_argument("--format", choices=FORMATS, default="text", help="(text)")
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """Print a row a device; in JSON and CSV memory is in bytes."""
    now = overview.active()
    shown = int if args.format in ("json", "csv") else show_bytes
    rows = [
        {
            "device": each.name,
            "what": each.what,
            "memory": shown(each.total) if each.total else None,
            "free": shown(each.free) if each.total else None,
            "working": " ".join(job_id(folder) for folder in each.working),
            "waiting": each.waiting,
            "problem": each.problem,
        }
        for each in overview.described(now)
    ]
    rows += [
        {"device": AUTO, "what": "any free one", "working": "", "waiting": overview.for_any(now)}
    ]
    print_table(pd.DataFrame(rows), args.format)
    if told := overview.elsewhere(now):
        print(told, file=sys.stderr)
