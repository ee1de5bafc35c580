"""`note`: write notes and tags on a run, pin or hide it."""

import argparse
from dataclasses import replace

from smd.runs import folders, notes
from smd.runs.notes import Notes
from smd.terminal.visible import visible


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `note`."""
    sub = commands.add_parser(
        "note",
        help="write notes and tags on a run, pin or hide it",
        description=(
            "Change what is noted of a run, and print it; without options it is only printed."
        ),
    )
    sub.add_argument("run", metavar="RUN", help="run id, its beginning or end, or 'last'")
    sub.add_argument("--text", help="the notes, in place of those before")
    sub.add_argument(
        "--tag", action="append", default=[], metavar="TAG", help="add a tag; may be repeated"
    )
    sub.add_argument(
        "--untag",
        action="append",
        default=[],
        metavar="TAG",
        help="take a tag away; may be repeated",
    )
    for name, what in (("pin", "before all others"), ("hide", "out of lists")):
        choice = sub.add_mutually_exclusive_group()
        choice.add_argument(f"--{name}", action="store_true", help=f"put it {what}")
        choice.add_argument(f"--un{name}", action="store_true", help=f"no more {what}")
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """Change what was asked for, print what is noted then."""
    target = folders.find(args.run)

    def edit(before: Notes) -> Notes:
        tags = [tag for tag in (*before.tags, *args.tag) if tag not in args.untag]
        return replace(
            before,
            text=before.text if args.text is None else args.text,
            tags=tuple(tags),
            pinned=args.pin or (before.pinned and not args.unpin),
            hidden=args.hide or (before.hidden and not args.unhide),
        )

    asked = (
        args.tag
        or args.untag
        or args.text is not None
        or args.pin
        or args.unpin
        or args.hide
        or args.unhide
    )
    after = notes.change(target, edit) if asked else notes.read(target)
    marks = [name for name, on in (("pinned", after.pinned), ("hidden", after.hidden)) if on]
    lines = [
        " ".join([target.id, *marks]),
        *[f"name: {after.name}"] * bool(after.name),
        *[f"tags: {', '.join(after.tags)}"] * bool(after.tags),
        after.text,
    ]
    print(visible("\n".join(lines)))
