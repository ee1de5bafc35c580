"""`work`: the worker of a slot; started by others, hidden from the help."""

import argparse


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `work`."""
    sub = commands.add_parser("work")
    sub.add_argument("--device", required=True)
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """Run queued jobs there until none is left; what a broken device has left goes elsewhere."""
    from smd import devices
    from smd.errors import UserError
    from smd.jobs import device_check, launch, worker

    if not devices.KNOWN.fullmatch(devices.device_of(args.device)):
        raise UserError(f"There is no device '{args.device}': write {devices.CHOICE}.")
    worker.work(args.device)
    if device_check.known(args.device):
        launch.wake_all()
