"""`attack`: attack trained runs, in this terminal or in the background."""

import argparse
import math
from pathlib import Path

from smd import registry
from smd.cli import on_runs
from smd.cli.table import print_accuracies
from smd.config.parsing import parse_choice
from smd.config.schema import AttackConfig, preview
from smd.errors import UserError
from smd.jobs.kinds import KINDS
from smd.runs.folders import Run
from smd.store import reader
from smd.units import parse_levels

KIND = KINDS["attack"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `attack`."""
    sub = commands.add_parser(
        "attack",
        help="attack trained networks and print their table",
        description="Attack trained networks; every sample's verdict is stored in its run.",
    )
    on_runs.options(sub, KIND)
    sub.add_argument(
        "--attack",
        default="ce-pgd",
        help=f"{', '.join(registry.ATTACKS)}, with options like ce-pgd:steps=20 (ce-pgd)",
    )
    sub.add_argument(
        "--eps", default="", help="noise levels like 2/255,8/255 or 0.031 (the data set's own)"
    )
    sub.add_argument(
        "--split", default="test", choices=("train", "val", "test"), help="which images (test)"
    )
    sub.add_argument(
        "--n", type=int, default=0, help="so many images, spread over the split (0: all)"
    )
    sub.add_argument("--ids", default="", help="these sample ids instead, like 3,17")
    sub.add_argument(
        "--seeds",
        default="",
        help="seeds like 0,1,2; the table shows their mean (as the paper has them)",
    )
    sub.add_argument(
        "--norm", default="Linf", choices=("Linf", "L2"), help="how noise is measured (Linf)"
    )
    sub.add_argument(
        "--preview",
        action="store_true",
        help="a quick look: CE-PGD, 20 steps, one seed, 500 images",
    )
    sub.add_argument(
        "--keep",
        type=int,
        default=AttackConfig.keep,
        help="adversarial images kept of a level (256)",
    )
    sub.add_argument(
        "--batch",
        type=int,
        default=AttackConfig.batch,
        help="images a batch; random attacks draw by seed and batch size (0: found, the quickest"
        " that fits)",
    )
    sub.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (auto)")
    sub.set_defaults(run_command=on_runs.runner(KIND, config_from, _show))


def config_from(args: argparse.Namespace, run: Run) -> AttackConfig:
    """The attack that the options describe."""
    name, params = parse_choice(args.attack, registry.ATTACKS, "attack")
    levels = parse_levels(args.eps, math.inf if args.norm == "L2" else 1.0)
    if args.eps and not levels:
        raise UserError("--eps names no noise level: write it like 8/255 or 0.031.")
    asked = AttackConfig(
        run=run.id,
        attack=name,
        params=params,
        norm=args.norm,
        levels=levels,
        split=args.split,
        n=args.n,
        ids=numbers(args.ids),
        seeds=numbers(args.seeds),
        batch=args.batch,
        device=args.device,
        keep=args.keep,
    )
    return preview(asked, len(reader.samples(run.store, args.split))) if args.preview else asked


def numbers(text: str) -> tuple[int, ...]:
    """Read a comma-separated list of whole numbers."""
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UserError(f"'{text}' is no list of whole numbers: write it like 0,1,2.") from None


def _show(done: list[tuple[Run, Path]], form: str) -> None:
    print_accuracies(list(dict.fromkeys(run for run, _ in done)), form)
