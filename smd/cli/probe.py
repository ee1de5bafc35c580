"""`probe`: how long a run would take, from a few batches."""

import argparse
import json

from smd.cli import flags, train
from smd.config.schema import TrainConfig
from smd.jobs import turns
from smd.terminal.progress import duration
from smd.terminal.streams import tell


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `probe`: those of `train`."""
    sub = commands.add_parser(
        "probe", help="estimate how long a run would take, from a few batches"
    )
    flags.add(sub, TrainConfig)
    sub.add_argument("--format", choices=("text", "json"), default="text", help="(text)")
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """Print the estimate."""
    from smd.tasks.probe import probe

    config = train.config_from(args, args.defense)
    with turns.looked_for(config.device):
        estimate = probe(config)
    if args.format == "json":
        print(json.dumps(estimate))
    else:
        if estimate["busy"]:
            tell("Another job uses the device now, so this is too long.")
        print(
            f"About {duration(estimate['seconds'])} on {estimate['device']},"
            f" {estimate['samples_per_s']:.0f} samples/s."
        )
