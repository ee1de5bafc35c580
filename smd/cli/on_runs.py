"""Commands that do a job on trained runs: here, one after the other, or in the background."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from smd.cli.table import FORMATS
from smd.config.schema import JobConfig
from smd.errors import UserError
from smd.jobs import doing, launch
from smd.jobs.kinds import JobKind
from smd.jobs.session import claimed
from smd.program import PROGRAM
from smd.registry.kinds import NORMS
from smd.runs import folders
from smd.runs.folders import Run
from smd.terminal.streams import tell

Described = Callable[[argparse.Namespace, Run], JobConfig]  # the job that the options describe
Shown = Callable[[list[tuple[Run, Path]], str], None]  # prints (run, job's folder) in a format


def options(sub: argparse.ArgumentParser, kind: JobKind) -> None:
    """The options that all of these commands have."""
    sub.add_argument(
        "runs", nargs="*", metavar="RUN", help="run ids, their beginnings or ends, or 'last'"
    )
    sub.add_argument(
        "--background", action="store_true", help=f"queue the {kind.plural} and return at once"
    )
    sub.add_argument("--format", choices=FORMATS, default="text", help="of the table (text)")
    sub.add_argument(kind.option, help=argparse.SUPPRESS)  # a queued job, given by the worker


def given(args: argparse.Namespace, run: Run, norms: Sequence[str] = NORMS) -> dict[str, Any]:
    """The options by name; the norm is the run's own where none is named, if it is one of those."""
    values, own = vars(args), run.config.norm
    return {**values, "norm": values["norm"] or (own if own in norms else norms[0])}


def runner(
    kind: JobKind, described: Described, show: Shown
) -> Callable[[argparse.Namespace], None]:
    """What such a command does with its options."""

    def run(args: argparse.Namespace) -> None:
        if args.job:
            doing.do(folders.find_job(args.job))
            return
        if not args.runs:
            raise UserError(f"Name the runs to {kind.act}; `{PROGRAM} runs` lists them.")
        targets = [folders.find(text) for text in args.runs]
        if args.background:
            for target in targets:
                folder = folders.create_job(target, described(args, target))
                launch.submit(folder)
                print(f"{target.id}/{folder.name}")
            return
        show([(run, _done(kind, run, described(args, run))) for run in targets], args.format)

    return run


def _done(kind: JobKind, run: Run, config: JobConfig) -> Path:
    folder = folders.create_job(run, config, claim=True)
    with claimed(folder, tell):
        doing.do(folder, folder / "log.txt")
    return folder
