"""`python -m smd`: train, attack, look at runs, export tables. Exit status 0, 1 (it failed) or 2 (usage)."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from smd import __version__
from smd.cli import attack, export, probe, runs, train, work
from smd.errors import UserError
from smd.jobs.session import Cancelled

EPILOG = """\
Environment: SMD_RUNS is the folder of the runs (runs/), SMD_DATA where data sets lie and are downloaded
to (data/), SMD_CACHE where imported images are kept (~/.cache/smd-studio).
Units: noise levels are in pixels of range [0, 1], written 8/255 or 0.031; accuracies are in %.
"""


def parser() -> argparse.ArgumentParser:
    """All sub-commands with their options."""
    top = argparse.ArgumentParser(
        prog="python -m smd",
        description="Train image classifiers that withstand adversarial noise, with no noise level to tune.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"SMD Studio {__version__}")
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (train, attack, runs, export, probe, work):
        command.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    # torch's threads spin while they wait for each other. Left alone they spin so long that two busy
    # processes on the same cores slow each other down several times over; this costs nothing otherwise.
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")
    words = sys.argv[1:] if argv is None else list(argv)
    args = parser().parse_args(words)
    args.bare = len(words) == 1  # a sub-command and nothing else
    try:
        args.run_command(args)
    except Cancelled:
        print("Cancelled; `python -m smd resume` goes on from here.", file=sys.stderr)
        return 1
    except (UserError, OSError, RuntimeError) as error:
        if args.debug:
            traceback.print_exc()
        print(f"smd: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
