"""`python -m smd`: train, attack, look at runs, export tables.

Exit status 0, 1 (it failed) or 2 (usage).
"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from smd import paths
from smd.cli import (
    alerts,
    app,
    attack,
    clinical,
    deal,
    devices,
    embedding,
    estimate,
    export,
    follow,
    import_weights,
    locate,
    note,
    probe,
    push,
    query,
    rename,
    report,
    reproduce,
    runs,
    score,
    sweep,
    train,
    work,
)
from smd.errors import UserError
from smd.jobs.endings import reason
from smd.jobs.session import Cancelled
from smd.program import PROGRAM
from smd.terminal import streams
from smd.terminal.visible import visible
from smd.version import __version__

EPILOG = f"""\
Environment: SMD_RUNS is the folder of the runs ({paths.usual("runs")}),
SMD_DATA where data sets lie and are downloaded to ({paths.usual("data")}),
SMD_CACHE where imported images are kept ({paths.usual("cache")}),
SMD_DEVICES which devices jobs may use: all, 0,1, cpu (all),
SMD_ALERTS who is told when a job ends: addresses of apprise (nobody).
Units: noise levels are in pixels of range [0, 1], written 8/255 or 0.031; accuracies are in %.
"""
COMMANDS = (
    app,
    train,
    import_weights,
    sweep,
    attack,
    estimate,
    score,
    embedding,
    clinical,
    reproduce,
    runs,
    devices,
    alerts,
    rename,
    note,
    locate,
    export,
    report,
    push,
    query,
    probe,
    work,
    deal,
    follow,
)


def parser() -> argparse.ArgumentParser:
    """All sub-commands with their options."""
    top = argparse.ArgumentParser(
        prog=PROGRAM,
        description=(
            "Train image classifiers that withstand adversarial noise, with no noise level to tune."
        ),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"SMD Studio {__version__}")
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for each in COMMANDS:
        each.add(commands)
    for sub in dict.fromkeys(commands.choices.values()):  # one has two names
        sub.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    # torch's threads spin while they wait for each other. Left alone they spin so long that two
    # busy processes on the same cores slow each other down several times over; this costs nothing
    # otherwise.
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # cuda:1 is what nvidia-smi calls 1
    streams.prepare()
    paths.share()
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        status = _run(words)
    except BrokenPipeError:  # as of `| head`: whoever reads has enough
        status = 1
    finally:
        taken = streams.settle()
    return status if taken else 1


def _run(words: list[str]) -> int:
    args = parser().parse_args(words)
    # a sub-command and nothing else
    args.bare = len([word for word in words if word != "--debug"]) == 1
    try:
        args.run_command(args)
        sys.stdout.flush()  # a disk that takes no more is told of
    except (Cancelled, KeyboardInterrupt):
        streams.tell(f"Cancelled; `{PROGRAM} resume` goes on from here.")
        return 1
    except BrokenPipeError:
        raise
    except Exception as error:
        if args.debug or (_in_background(args) and not isinstance(error, UserError)):
            traceback.print_exc()  # a job's log tells where a defect is
        streams.tell(f"smd: {visible(reason(error))}")
        return 1
    return 0


def _in_background(args: argparse.Namespace) -> bool:
    return bool(getattr(args, "run", None) and args.command == "train") or bool(
        getattr(args, "job", None)
    )


def command() -> None:
    """The program `smd`."""
    sys.exit(main())


if __name__ == "__main__":
    command()
