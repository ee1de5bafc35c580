"""`runs`, `resume`, `cancel`, `delete`: look at the runs and steer them."""

import argparse
import sys
import time

import pandas as pd

from smd import jobs, several
from smd.cli.table import FORMATS, print_table
from smd.errors import UserError
from smd.jobs import launch, overview
from smd.runs import folders as store
from smd.runs import notes
from smd.runs.job_titles import job_title
from smd.terminal.progress import duration

COLUMNS = ("run", "name", "state", "done", "time", "device", "what", "reason")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of the four."""
    listing = commands.add_parser(
        "runs", help="list the runs, their attacks, estimates and embeddings"
    )
    listing.add_argument("--format", choices=FORMATS, default="text", help="(text)")
    listing.set_defaults(run_command=_list)
    for name, act, text in (
        ("resume", _resume, "go on with a failed, cancelled or lost run, in the background"),
        ("cancel", _cancel, "stop a queued or running one; what it has done is kept"),
        ("delete", _delete, "remove a run and all it has stored"),
    ):
        sub = commands.add_parser(name, help=text, description=text.capitalize() + ".")
        more = "" if name == "delete" else "; a job on it is <run>/<job>"
        sub.add_argument("run", help=f"run id, its beginning or end, or 'last'{more}")
        sub.set_defaults(run_command=act)
        if name == "resume":
            sub.add_argument("--devices", help=f"on so many this time: {several.HELP} (as before)")
        if name == "delete":
            sub.add_argument("--yes", action="store_true", help="do not ask")


def _list(args: argparse.Namespace) -> None:
    if told := store.nameless():
        print(told, file=sys.stderr)
    rows = []
    for run in store.all_runs():
        named = notes.read(run).name
        for folder, name in [
            (run.folder, run.id),
            *((f, f"{run.id}/{f.name}") for f in store.jobs_of(run)),
        ]:
            status = jobs.read(folder)
            done = f"{status.done}/{status.total}" if status.total else ""
            spent = (
                max(0.0, (status.ended or time.time()) - status.started) if status.started else 0.0
            )
            took = duration(spent) if status.started else ""
            what = job_title(folder)
            rows.append(
                {
                    "run": name,
                    "name": named if folder == run.folder else "",
                    "state": status.state,
                    "done": done,
                    "time": took,
                    "device": ",".join(overview.at(status)),
                    "what": what,
                    "reason": status.error or jobs.elsewhere(status),
                }
            )
    print_table(pd.DataFrame(rows, columns=COLUMNS), args.format)


def _resume(args: argparse.Namespace) -> None:
    launch.resume(store.find_job(args.run), args.devices)


def _cancel(args: argparse.Namespace) -> None:
    launch.cancel(store.find_job(args.run))


def _delete(args: argparse.Namespace) -> None:
    run = store.find(args.run)
    if not args.yes:
        if not sys.stdin.isatty():
            raise UserError("Deleting cannot be undone: add --yes.")
        if input(f"Delete {run.id} and all it has stored? [y/N] ").strip().lower() != "y":
            return
    store.delete(run)
