"""`embedding`: embed the features of trained networks, in this terminal or in the background."""

import argparse
from pathlib import Path

import pandas as pd

from smd.cli import flags, on_runs
from smd.cli.table import print_table
from smd.config.schema import EmbeddingConfig
from smd.jobs.kinds import KINDS
from smd.runs.folders import Run
from smd.store import reader
from smd.units import show_level

KIND = KINDS["embed"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `embedding`."""
    sub = commands.add_parser(
        KIND.verb,
        aliases=[KIND.name],
        help="embed what trained networks see of their images (UMAP)",
        description=(
            "Lay the features that a network has of its images on a plane; the Embedding page"
            " shows it."
        ),
    )
    on_runs.options(sub, KIND)
    flags.add(sub, EmbeddingConfig)
    flags.on_cluster(sub)
    sub.set_defaults(run_command=on_runs.runner(KIND, config_from, _show))


def config_from(args: argparse.Namespace, run: Run) -> EmbeddingConfig:
    """The embedding that the options describe."""
    return EmbeddingConfig(run.id, **flags.values(EmbeddingConfig, vars(args)))


def _show(done: list[tuple[Run, Path]], form: str) -> None:
    tables = [table(run, folder) for run, folder in done]
    print_table(pd.concat(tables, ignore_index=True), form)


def table(run: Run, folder: Path) -> pd.DataFrame:
    """What a job has made, a row an embedding."""
    rows = reader.embeddings(run.store)
    own = rows[rows["job"] == folder.name]
    return pd.DataFrame(
        {
            "run": run.id,
            "embedding": own["id"],
            "split": own["split"],
            "images": own["n"],
            "adversarial examples": own["pairs"],
            "noise level": own["eps"].map(show_level),
            "seconds": own["seconds"].round(1),
        }
    )
