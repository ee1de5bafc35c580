"""`embed`: make maps of trained networks' features, in this terminal or in the background."""

import argparse
from pathlib import Path

import pandas as pd

from smd.cli import on_runs
from smd.cli.table import print_table
from smd.config.schema import EmbedConfig
from smd.errors import UserError
from smd.jobs.kinds import KINDS
from smd.runs.folders import Run
from smd.store import reader
from smd.units import parse_levels, show_level

KIND = KINDS["embed"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `embed`."""
    sub = commands.add_parser(
        "embed",
        help="make maps of what trained networks see (UMAP)",
        description=(
            "Lay the features that a network has of its images on a plane; the Map page shows it."
        ),
    )
    on_runs.options(sub, KIND)
    sub.add_argument(
        "--split", default="test", choices=("train", "val", "test"), help="which images (test)"
    )
    sub.add_argument(
        "--n", type=int, default=EmbedConfig.n, help="so many images, spread evenly (2000; 0: all)"
    )
    sub.add_argument(
        "--pairs",
        type=int,
        default=EmbedConfig.pairs,
        help="so many with their adversarial twin (500)",
    )
    sub.add_argument(
        "--eps",
        default="",
        help="the twins' noise level, like 8/255 (the largest that the run watches)",
    )
    sub.add_argument("--seed", type=int, default=0, help="of the layout (0)")
    sub.add_argument("--batch", type=int, default=EmbedConfig.batch, help="images a batch (256)")
    sub.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (auto)")
    sub.set_defaults(run_command=on_runs.runner(KIND, config_from, _show))


def config_from(args: argparse.Namespace, run: Run) -> EmbedConfig:
    """The map that the options describe."""
    levels = parse_levels(args.eps)
    if len(levels) > 1 or (args.eps and not levels):
        raise UserError("--eps takes one noise level: write it like 8/255 or 0.031.")
    return EmbedConfig(
        run=run.id,
        split=args.split,
        n=args.n,
        pairs=args.pairs,
        level=levels[0] if levels else 0.0,
        seed=args.seed,
        batch=args.batch,
        device=args.device,
    )


def _show(done: list[tuple[Run, Path]], form: str) -> None:
    tables = [table(run, folder) for run, folder in done]
    print_table(pd.concat(tables, ignore_index=True), form)


def table(run: Run, folder: Path) -> pd.DataFrame:
    """What a job has made: run, map, split, images, twins, noise level, seconds."""
    maps = reader.embeddings(run.store)
    own = maps[maps["job"] == folder.name]
    return pd.DataFrame(
        {
            "run": run.id,
            "map": own["id"],
            "split": own["split"],
            "images": own["n"],
            "twins": own["pairs"],
            "noise level": own["eps"].map(show_level),
            "seconds": own["seconds"].round(1),
        }
    )
