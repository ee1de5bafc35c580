"""`attack`: attack trained runs, in this terminal or in the background."""

import argparse
from pathlib import Path

from smd.cli import flags, on_runs
from smd.cli.table import print_accuracies
from smd.config.schema import AttackConfig, preview
from smd.jobs.kinds import KINDS
from smd.runs import image_sets
from smd.runs.folders import Run
from smd.store import reader

KIND = KINDS["attack"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `attack`."""
    sub = commands.add_parser(
        "attack",
        help="attack trained networks and print their table",
        description="Attack trained networks; every sample's verdict is stored in its run.",
    )
    on_runs.options(sub, KIND)
    flags.add(sub, AttackConfig)
    flags.on_cluster(sub)
    sub.add_argument(
        "--preview",
        action="store_true",
        help="a quick look: CE-PGD, 20 steps, one seed, 500 images",
    )
    sub.set_defaults(run_command=on_runs.runner(KIND, config_from, _show))


def config_from(args: argparse.Namespace, run: Run) -> AttackConfig:
    """The attack that the options describe."""
    given = image_sets.asked(run, on_runs.given(args, run))
    named = given["named"]
    config = AttackConfig(run.id, **flags.values(AttackConfig, given), named=named)
    return preview(config, len(reader.samples(run.store, config.split))) if args.preview else config


def _show(done: list[tuple[Run, Path]], form: str) -> None:
    print_accuracies(list(dict.fromkeys(run for run, _ in done)), form)
