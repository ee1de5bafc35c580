"""`locate`: say where a run's images are now."""

import argparse

from smd.runs import folders
from smd.tasks import images
from smd.terminal.progress import Progress


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `locate`."""
    sub = commands.add_parser(
        "locate",
        help="say where a run's images are now",
        description=(
            "Say where a run's own images are after they were moved: its pages and jobs take them"
            " from there. Images that are not the very ones that it was trained on are refused."
            " Without a path, print where they are."
        ),
    )
    sub.add_argument("run", metavar="RUN", help="run id, its beginning or end, or 'last'")
    sub.add_argument("--path", default="", help="folder, archive or file of arrays that holds them")
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """Keep the place, print where the images are."""
    target = folders.find(args.run)
    if args.path:
        progress = Progress(f"locate {target.id}")
        images.locate(target, args.path, lambda text, share: progress.show(share, text, -1))
        progress.close()
    print(f"{target.id}: {images.located(target)}")
