"""`sweep`: several defenses, seeds and folds on one data set, queued as runs of their own."""

import argparse

import pandas as pd

from smd.cli import flags
from smd.cli.table import FORMATS, print_accuracies, print_table
from smd.cli.train import config_from
from smd.config.parsing import numbers
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.experiments import folds, sweep
from smd.export import defense_title
from smd.jobs import launch
from smd.runs.folders import Run
from smd.store import reader
from smd.terminal.streams import tell

FOREVER = float("inf")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `sweep`."""
    sub = commands.add_parser(
        "sweep",
        help="train several defenses with several seeds, or folds",
        description=(
            "Queue a run for each defense, seed and fold. Started again it goes on: nothing is"
            " trained twice."
        ),
    )
    flags.add(sub, TrainConfig, leave_out=("defense", "seed", "fold"))
    flags.on_cluster(sub)
    sub.add_argument(
        "--defenses", required=True, help="like smd,at:eps=4/255,at:eps=8/255,trades:beta=6"
    )
    sub.add_argument("--seeds", default="0", help="seeds like 0,1,2 (0)")
    sub.add_argument(
        "--wait", action="store_true", help="wait for all of them and print their table"
    )
    sub.add_argument("--format", choices=FORMATS, default="text", help="of the table (text)")
    sub.set_defaults(run_command=run, seed=0, fold=0)


def wanted(args: argparse.Namespace) -> list[TrainConfig]:
    """The runs that the options describe; raises UserError with every reason why one could not
    start."""
    names = [word for word in args.defenses.split(",") if word.strip()]
    configs = sweep.configs([config_from(args, name) for name in names], numbers(args.seeds))
    if refusals := sweep.refusals(configs):
        raise UserError(" ".join(refusals))
    return configs


def run(args: argparse.Namespace) -> None:
    """Queue what is missing; then say so, or wait for all and print their table."""
    members = sweep.start(wanted(args))
    rows = [
        {
            "run": m.run.id if m.run else "",
            "defense": defense_title(m.config),
            "seed": m.config.seed,
            **({"fold": m.config.fold} if m.config.folds else {}),
            "was": m.act,
            "reason": m.reason,
        }
        for m in members
    ]
    table = pd.DataFrame(rows)
    if not args.wait:
        return print_table(table, args.format)
    tell(table.drop(columns="reason").to_string(index=False))
    runs = [m.run for m in members if m.run]
    for each in runs:
        status = launch.wait(each.folder, FOREVER)
        tell(f"{each.id} {status.state} {status.error}".rstrip())
    trained = [each for each in runs if each.trained]
    if args.folds:
        return print_table(folds.table({each.id: _measured(each) for each in trained}), args.format)
    return print_accuracies(trained, args.format)


def _measured(run: Run) -> tuple[TrainConfig, pd.DataFrame]:
    return run.config, reader.attack_table(run.store)
