"""`push`: put a run's card and weights on the Hugging Face Hub."""

import argparse
import sys

from smd.errors import UserError
from smd.publish.formats import FORMATS
from smd.runs import folders

ALSO = tuple(name for name in FORMATS if name != "safetensors")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `push`."""
    sub = commands.add_parser(
        "push",
        help="put a run's model card and weights on the Hugging Face Hub",
        description="List what would be sent, ask, and send it in one commit. The token is that of"
        " `hf auth login` or HF_TOKEN. Images, adversarial examples and margins stay here.",
    )
    sub.add_argument("run", metavar="RUN", help="run id, its beginning or end, or 'last'")
    sub.add_argument("repository", metavar="OWNER/NAME", help="made where there is none")
    sub.add_argument(
        "--with",
        dest="also",
        action="append",
        default=[],
        choices=ALSO,
        help="the whole network in this format too; may be repeated",
    )
    sub.add_argument(
        "--averaged", action="store_true", help="the weights of --average ema (the last ones)"
    )
    sub.add_argument("--public", action="store_true", help="for everybody (private)")
    sub.add_argument("--dry-run", action="store_true", help="list what would be sent, send nothing")
    sub.add_argument("--yes", action="store_true", help="do not ask")
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """List the files, ask, send them."""
    from smd.publish import hub
    from smd.tasks.network import trained_network

    one = folders.find(args.run)
    hub.check_name(args.repository)
    content = hub.files(
        one, trained_network(one, "ema" if args.averaged else "last"), dict.fromkeys(args.also)
    )
    who = "public" if args.public else "private"
    print(f"To {args.repository}, {who}:")
    for name, data in content.items():
        print(f"  {name}  {len(data) / 1e6:.2f} MB", flush=True)
    if args.dry_run or not (args.yes or _agreed()):
        print("Nothing was pushed.")
        return
    print(hub.push(args.repository, content, args.public, f"{one.id} of SMD Studio"))


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UserError("Nothing is pushed unasked: add --yes, or --dry-run to see what would be.")
    return input("Push? [y/N] ").strip().lower() == "y"
