"""`import`: weights, or a whole network, from a file become a run."""

import argparse

from smd.cli import flags
from smd.cli.table import FORMATS, print_accuracies
from smd.cli.train import suited
from smd.config.importing import ImportConfig
from smd.jobs import launch
from smd.jobs.session import claimed
from smd.runs import folders
from smd.terminal.streams import tell


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `import`."""
    sub = commands.add_parser(
        "import",
        help="import a network that was trained elsewhere",
        description=(
            "Import a network that was trained elsewhere, to attack it, estimate its margins and"
            " compare it. Its clean accuracy is measured under the usual preprocessings."
        ),
    )
    sub.add_argument(
        "file",
        nargs="?",
        default="",
        metavar="FILE",
        help="weights (.safetensors, .pt, .pth), or a whole network (.pt2, .onnx)",
    )
    flags.add(sub, ImportConfig, HIDDEN)
    sub.add_argument("--background", action="store_true", help="queue it and return at once")
    sub.add_argument("--format", choices=FORMATS, default="text", help="of the final table (text)")
    # a queued import, given by the worker
    sub.add_argument("--run", metavar="RUN", help=argparse.SUPPRESS)
    sub.set_defaults(run_command=run)


HIDDEN = ("file",)


def run(args: argparse.Namespace) -> None:
    """Import here, or queue; then print the table."""
    from smd.tasks.import_weights import import_run

    if args.run:
        return import_run(folders.find(args.run))
    values = flags.values(ImportConfig, vars(args))
    config = ImportConfig(**{**values, "net": args.net or suited(args)})
    if args.background:
        queued = folders.create(config)
        launch.submit(queued.folder)
        print(queued.id)
        return None
    from smd.devices import resolve_device

    resolve_device(config.device)
    current = folders.create(config, claim=True)
    tell(f"Run {current.id}")
    with claimed(current.folder):
        import_run(current, current.log)
    return print_accuracies([current], args.format)
