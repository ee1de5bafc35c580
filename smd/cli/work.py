"""`work`: the queue of a device; started by others, hidden from the help."""

import argparse


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `work`."""
    sub = commands.add_parser("work")
    sub.add_argument("--device", required=True)
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """Run the queued jobs of the device until none is left."""
    from smd.jobs import worker

    worker.work(args.device)
