"""`estimate`: estimate the margins of trained networks, in this terminal or in the background."""

import argparse
from pathlib import Path

import pandas as pd

from smd.cli import flags, on_runs
from smd.cli.table import print_table
from smd.config.schema import EstimateConfig
from smd.export.estimates import estimate_table
from smd.jobs.kinds import KINDS
from smd.runs import image_sets
from smd.runs.folders import Run
from smd.store import reader

KIND = KINDS["margins"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `estimate`."""
    sub = commands.add_parser(
        KIND.verb,
        aliases=[KIND.name],
        help="estimate the margins of trained networks and print their table",
        description=(
            "Estimate how far images are from a trained network's decision boundary; every margin"
            " is stored."
        ),
    )
    on_runs.options(sub, KIND)
    flags.add(sub, EstimateConfig)
    flags.on_cluster(sub)
    sub.set_defaults(run_command=on_runs.runner(KIND, config_from, _show))


def config_from(args: argparse.Namespace, run: Run) -> EstimateConfig:
    """The estimate that the options describe."""
    given = image_sets.asked(run, vars(args))
    return EstimateConfig(run.id, **flags.values(EstimateConfig, given))


def _show(done: list[tuple[Run, Path]], form: str) -> None:
    tables = [table(run, folder.name) for run, folder in done]
    print_table(pd.concat(tables, ignore_index=True), form)


def table(run: Run, job: str) -> pd.DataFrame:
    """What a job has found, a row an estimate."""
    estimates = reader.estimates(run.store)
    estimates = estimates[estimates["job"] == job]
    results = {name: reader.estimate_results(run.store, name) for name in estimates["id"]}
    table = estimate_table(estimates, results, run.config.levels_in("Linf"))
    table.insert(0, "run", run.id)
    return table
