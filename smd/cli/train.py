"""`train`: the very job that the Train page starts, in this terminal or in the background."""

import argparse

from smd import registry
from smd.cli.table import FORMATS, print_accuracies
from smd.config.parsing import parse_choice
from smd.config.schema import TrainConfig
from smd.config.validation import PRECISIONS
from smd.jobs import launch
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
    options(sub)
    alone(sub)
    sub.add_argument(
        "--against", metavar="DEFENSE", help="train this one too, the same way, and compare"
    )
    sub.add_argument("--background", action="store_true", help="queue the run and return at once")
    sub.add_argument("--format", choices=FORMATS, default="text", help="of the final table (text)")
    # a queued run, given by the worker
    sub.add_argument("--run", metavar="RUN", help=argparse.SUPPRESS)
    sub.set_defaults(run_command=run)


def options(sub: argparse.ArgumentParser) -> None:
    """What describes runs, but for their defense and seed."""
    sub.add_argument(
        "--data", default="digits", help=f"data set: {', '.join(registry.DATASETS)} (digits)"
    )
    sub.add_argument(
        "--path", default="", help="own images: a folder or archive of class folders, .npy or .npz"
    )
    sub.add_argument(
        "--image-size",
        type=int,
        default=0,
        help="own images: resize to this side in pixels (0: as they are)",
    )
    sub.add_argument(
        "--skip-broken",
        action="store_true",
        help="own images: leave out files that cannot be read, and say which",
    )
    sub.add_argument(
        "--channels",
        default="",
        choices=("gray", "rgb"),
        help="own images: convert all of them (as they are)",
    )
    sub.add_argument(
        "--net", default="", help=f"{', '.join(registry.NETWORKS)} (what suits the data set)"
    )
    sub.add_argument(
        "--recipe",
        default="common",
        choices=("common", "official"),
        help="optimiser and schedule: one for all defenses, or the defense's own (common)",
    )
    sub.add_argument(
        "--epochs", type=int, default=0, help="passes over the training images (the data set's own)"
    )
    sub.add_argument("--batch", type=int, default=0, help="images a step (the recipe's own: 128)")
    sub.add_argument(
        "--device",
        default="auto",
        help="auto, cpu, cuda, cuda:1, mps (auto: a GPU if there is one)",
    )
    sub.add_argument(
        "--precision",
        default="float32",
        choices=PRECISIONS,
        help="of the training steps; tf32 and bfloat16 are quicker on an NVIDIA GPU (float32)",
    )
    sub.add_argument(
        "--n-train", type=int, default=0, help="use only so many training images (0: all)"
    )
    sub.add_argument(
        "--n-test",
        type=int,
        default=0,
        help="attack only so many test images at the end (0: up to 1000)",
    )
    sub.add_argument(
        "--n-margins",
        type=int,
        default=TrainConfig.n_margins,
        help="estimate the margins of at most so many test images at the end, as many as fit into a"
        f" fifth of the training's time; 0: none ({TrainConfig.n_margins})",
    )


def alone(sub: argparse.ArgumentParser) -> None:
    """What a single run has beside them."""
    sub.add_argument(
        "--defense",
        default="smd",
        help=f"{', '.join(registry.DEFENSES)}, with options like smd:preset=ame (smd)",
    )
    sub.add_argument(
        "--seed", type=int, default=0, help="of weights, order and the validation split (0)"
    )


def config_from(args: argparse.Namespace, defense: str) -> TrainConfig:
    """The run that the options describe."""
    name, params = parse_choice(defense, registry.DEFENSES, "defense")
    return TrainConfig(
        data=args.data,
        data_path=args.path,
        image_size=args.image_size,
        skip_broken=args.skip_broken,
        channels=args.channels,
        net=args.net or suited(args),
        defense=name,
        params=params,
        recipe=args.recipe,
        epochs=args.epochs,
        batch=args.batch,
        seed=args.seed,
        device=args.device,
        precision=args.precision,
        n_train=args.n_train,
        n_test=args.n_test,
        n_margins=args.n_margins,
    )


def suited(args: argparse.Namespace) -> str:
    """The network where none was named: own images may be volumes, "" is the data set's own."""
    if args.data != "folder":
        return ""
    from smd.data import suited_net

    return suited_net(args.path)


def run(args: argparse.Namespace) -> None:
    """Train here, or queue; then print the table."""
    if args.run:
        from smd.tasks.train import train_run

        return train_run(folders.find(args.run))
    against = args.against or ("std" if args.bare else "")
    configs = [config_from(args, name) for name in (args.defense, against) if name]
    if args.background:
        for config in configs:
            queued = folders.create(config)
            launch.submit(queued.folder)
            print(queued.id)
        return None
    return _here(configs, args.format)


def _here(configs: list[TrainConfig], form: str) -> None:
    from smd.devices import resolve_device
    from smd.tasks.train import train_run

    done: list[Run] = []
    for config in configs:
        resolve_device(config.device)  # explains a missing device before there is a run
        current = folders.create(config, claim=True)
        tell(f"Run {current.id}")
        with claimed(current.folder):
            train_run(current, current.log)
        done.append(current)
    print_accuracies(done, form)
