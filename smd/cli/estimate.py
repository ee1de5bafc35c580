"""`estimate`: estimate the margins of trained networks, in this terminal or in the background."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from smd import registry
from smd.cli import flags, on_runs
from smd.cli.table import print_table
from smd.config.schema import EstimateConfig
from smd.export.estimates import estimate_table
from smd.export.smoothed import SAID, smoothed_table
from smd.jobs.kinds import KINDS
from smd.registry.kinds import NORMS
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
    entry = registry.ESTIMATORS.get(args.method.partition(":")[0])
    norms = entry.norms if entry else NORMS
    given = image_sets.asked(run, on_runs.given(args, run, norms))
    asked = flags.values(EstimateConfig, given)
    asked |= {"levels": _levels(asked, run), "named": given["named"]}
    return EstimateConfig(run.id, **asked)


def _levels(asked: Mapping[str, Any], run: Run) -> tuple[float, ...]:
    """How far it looks; in L2, where a method has no length of its own, the data set's."""
    levels: tuple[float, ...] = asked["levels"]
    far, norm = registry.range_of(asked["method"]), asked["norm"]
    if levels or not far or far.name in asked["params"] or norm == "Linf":
        return levels
    return run.config.levels_in(norm)


def _show(done: list[tuple[Run, Path]], form: str) -> None:
    tables = [table(run, folder.name) for run, folder in done]
    print_table(pd.concat(tables, ignore_index=True), form)
    if any(folder.name in set(reader.smoothed(run.store)["job"]) for run, folder in done):
        print(SAID, file=sys.stdout if form == "text" else sys.stderr)


def table(run: Run, job: str) -> pd.DataFrame:
    """What a job has found, a row an estimate."""
    smoothed = reader.smoothed(run.store)
    estimates = pd.concat([reader.estimates(run.store), smoothed])
    estimates = estimates[estimates["job"] == job]
    results = {name: reader.estimate_results(run.store, name) for name in estimates["id"]}
    if job in set(smoothed["job"]):
        found = smoothed_table(estimates, results, run.config.levels_in("L2"))
        found.insert(0, "run", run.id)
        return found
    levels = (run.config.levels_in(norm) for norm in NORMS)
    table = estimate_table(estimates, results, *levels)
    table.insert(0, "run", run.id)
    return table
