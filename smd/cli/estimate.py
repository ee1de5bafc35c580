"""`margins`: estimate the margins of trained networks, in this terminal or in the background."""

import argparse
import math
from pathlib import Path

import pandas as pd

from smd import registry
from smd.cli import on_runs
from smd.cli.table import print_table
from smd.config.parsing import parse_choice
from smd.config.schema import MarginsConfig
from smd.errors import UserError
from smd.export.estimates import estimate_table
from smd.jobs.kinds import KINDS
from smd.runs.folders import Run
from smd.store import reader
from smd.units import parse_levels

KIND = KINDS["margins"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `margins`."""
    sub = commands.add_parser(
        "margins",
        help="estimate the margins of trained networks and print their table",
        description=(
            "Estimate how far images are from a trained network's decision boundary; every margin"
            " is stored."
        ),
    )
    on_runs.options(sub, KIND)
    sub.add_argument(
        "--method",
        default="min-norm",
        help=f"{', '.join(registry.ESTIMATORS)}, with options like gem:rounds=20 (min-norm)",
    )
    sub.add_argument(
        "--eps",
        default="",
        help="how far pgd looks, like 8/255,16/255; one estimation each (8/255)",
    )
    sub.add_argument(
        "--norm", default="Linf", choices=("Linf", "L2"), help="what a margin is measured in (Linf)"
    )
    sub.add_argument(
        "--split", default="test", choices=("train", "val", "test"), help="which images (test)"
    )
    sub.add_argument(
        "--n", type=int, default=0, help="so many images, spread over the split (0: all)"
    )
    sub.add_argument(
        "--seed",
        type=int,
        default=0,
        help="of the random starts of min-norm:restarts=2 and more (0)",
    )
    sub.add_argument("--batch", type=int, default=64, help="images a batch (64)")
    sub.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (auto)")
    sub.set_defaults(run_command=on_runs.runner(KIND, config_from, _show))


def config_from(args: argparse.Namespace, run: Run) -> MarginsConfig:
    """The estimation that the options describe."""
    name, params = parse_choice(args.method, registry.ESTIMATORS, "method")
    levels = parse_levels(args.eps, math.inf if args.norm == "L2" else 1.0)
    if args.eps and not levels:
        raise UserError("--eps names no noise level: write it like 8/255 or 0.031.")
    return MarginsConfig(
        run=run.id,
        method=name,
        params=params,
        levels=levels,
        norm=args.norm,
        split=args.split,
        n=args.n,
        seed=args.seed,
        batch=args.batch,
        device=args.device,
    )


def _show(done: list[tuple[Run, Path]], form: str) -> None:
    tables = [table(run, folder.name) for run, folder in done]
    print_table(pd.concat(tables, ignore_index=True), form)


def table(run: Run, job: str) -> pd.DataFrame:
    """What a job has found, a row an estimation."""
    estimates = reader.estimates(run.store)
    estimates = estimates[estimates["job"] == job]
    results = {name: reader.estimate_results(run.store, name) for name in estimates["id"]}
    found = estimate_table(estimates, results, run.config.levels)
    found.insert(0, "run", run.id)
    return found
