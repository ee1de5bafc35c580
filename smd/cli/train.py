"""`train`: the very job that the Train page starts, in this terminal or in the background."""

import argparse

from smd.cli import flags
from smd.cli.table import FORMATS, print_accuracies
from smd.config.schema import TrainConfig
from smd.data.request import Request
from smd.jobs import doing, launch
from smd.jobs.session import claimed
from smd.runs import folders
from smd.runs.folders import Run
from smd.terminal.streams import tell


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `train`."""
    sub = commands.add_parser(
        "train",
        help="train a network",
        description=(
            "Train a network. With no option: SMD, then STD, on the digits, and a table of both."
        ),
    )
    flags.add(sub, TrainConfig)
    flags.on_cluster(sub)
    sub.add_argument(
        "--against", metavar="DEFENSE", help="train this one too, the same way, and compare"
    )
    sub.add_argument("--background", action="store_true", help="queue the run and return at once")
    sub.add_argument("--format", choices=FORMATS, default="text", help="of the final table (text)")
    # a queued run, given by the worker
    sub.add_argument("--run", metavar="RUN", help=argparse.SUPPRESS)
    sub.set_defaults(run_command=run)


def config_from(args: argparse.Namespace, defense: str) -> TrainConfig:
    """The run that the options describe."""
    values = flags.values(TrainConfig, {**vars(args), "defense": defense})
    return TrainConfig(**{**values, "net": args.net or suited(args)})


def suited(args: argparse.Namespace) -> str:
    """The network where none was named: own images may be volumes, "" is the data set's own."""
    if args.data != "folder":
        return ""
    from smd.data import suited_net

    given = (args.data_path, args.image_size or 0)
    return suited_net(Request(*given, volumes=args.volumes, spacing=args.spacing or ""))


def run(args: argparse.Namespace) -> None:
    """Train here, or queue; then print the table."""
    if args.run:
        return doing.do(folders.find(args.run).folder)
    against = args.against or ("std" if args.bare else "")
    configs = [config_from(args, name) for name in (args.defense, *filter(None, [against]))]
    if args.background:
        for config in configs:
            queued = folders.create(config)
            launch.submit(queued.folder)
            print(queued.id)
        return None
    return _here(configs, args.format)


def _here(configs: list[TrainConfig], form: str) -> None:
    from smd.devices import away, resolve_device

    done: list[Run] = []
    for config in configs:
        if not away(config.device):
            resolve_device(config.device)  # explains a missing device before there is a run
        current = folders.create(config, claim=True)
        tell(f"Run {current.id}")
        with claimed(current.folder, tell):
            doing.do(current.folder, current.log)
        done.append(current)
    print_accuracies(done, form)
