"""`follow`: a rank of another's training; started by that one, hidden from the help."""

import argparse


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `follow`."""
    sub = commands.add_parser("follow")
    sub.add_argument("--channel", type=int, required=True)
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """Train along until the training's own process is gone."""
    from smd.tasks import ranks

    ranks.follow(args.channel)
