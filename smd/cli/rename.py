"""`rename`: give a run a name that is shown in place of its id."""

import argparse
from dataclasses import replace

from smd.runs import folders, notes
from smd.terminal.visible import visible


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `rename`."""
    sub = commands.add_parser(
        "rename",
        help="give a run a name, which pages, tables and reports show",
        description=(
            "Give a run a name, which pages, tables, its report and its model card show. Its id"
            " stays: links, file names and commands go by it."
        ),
    )
    sub.add_argument("run", metavar="RUN", help="run id, its beginning or end, or 'last'")
    sub.add_argument(
        "name",
        metavar="NAME",
        help=f"at most {notes.LONGEST_NAME} characters; '' takes the name away",
    )
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """Keep the name, print it."""
    target = folders.find(args.run)
    after = notes.change(target, lambda before: replace(before, name=args.name))
    print(visible(f"{target.id} {after.name}".rstrip()))
