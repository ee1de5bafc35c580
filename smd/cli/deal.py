"""`deal`: a process that does batches of another's job; started by it, hidden from the help."""

import argparse


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `deal`."""
    sub = commands.add_parser("deal")
    sub.add_argument("--channel", type=int, required=True)
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """Do what comes until the job's process is gone."""
    from smd.tasks import hands

    hands.work(args.channel)
