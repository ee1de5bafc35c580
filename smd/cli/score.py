"""`score`: find the worst scores of each class, in this terminal or in the background."""

import argparse
from pathlib import Path

import pandas as pd

from smd.cli import flags, on_runs
from smd.cli.table import print_table
from smd.config.schema import ScoreConfig
from smd.jobs.kinds import KINDS
from smd.runs.folders import Run
from smd.store import reader
from smd.units import level_title

KIND = KINDS["score"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `score`."""
    sub = commands.add_parser(
        KIND.verb,
        help="find the worst score of each class for every image, which AUC under attack needs",
        description=(
            "Search, for every image and class, the worst log-odds within each noise level;"
            " `clinical` prints what follows from them."
        ),
    )
    on_runs.options(sub, KIND)
    flags.add(sub, ScoreConfig)
    flags.on_cluster(sub)
    sub.set_defaults(run_command=on_runs.runner(KIND, config_from, _show))


def config_from(args: argparse.Namespace, run: Run) -> ScoreConfig:
    """The search that the options describe."""
    return ScoreConfig(run.id, **flags.values(ScoreConfig, on_runs.given(args, run)))


def _show(done: list[tuple[Run, Path]], form: str) -> None:
    print_table(pd.concat([table(run, job.name) for run, job in done], ignore_index=True), form)


def table(run: Run, job: str) -> pd.DataFrame:
    """What a job has stored, a row a level."""
    rows = reader.score_runs(run.store)
    own = rows[rows["job"] == job]
    levels = [level_title(e, norm) for e, norm in zip(own["eps"], own["norm"], strict=True)]
    return pd.DataFrame(
        {
            "run": run.id,
            "noise level": levels,
            "split": own["split"],
            "n": own["n"],
            "steps": own["steps"],
            "seconds": own["seconds"].round(1),
        }
    )
