"""Fig. 8 and what goes with it: accuracy over the epochs, and against the noise level."""

from collections.abc import Mapping, Sequence

import pandas as pd

from smd import export
from smd.config.schema import AttackConfig
from smd.runs.folders import Run
from smd.store import reader
from smd.units import px

from ... import data
from ...components import look_sizes, run_names
from .. import curves, levels, style
from .figure import HEIGHT, Figure, Kind
from .runs import described, differing, some, training

CURVE = px(1, 2, 4, 6, 8, 12, 16)  # noise levels of the attack that fills the last figure
ROW = 16  # pixels that a run takes in the legend
FEWEST = 3  # noise levels that make a curve


def training_curves(kind: Kind, runs: Sequence[Run], shown: Sequence[Run]) -> Figure:
    """Fig. 8: clean and noisy accuracy over the epochs of SMD."""
    if not shown:
        return kind.lacking("It takes a run of SMD.", training(runs, "smd"))
    metrics = data.read(reader.metrics, shown[0].store)
    chart = curves.accuracy(
        metrics, norm=shown[0].config.norm, n=look_sizes.of(shown[0])
    ).properties(height=HEIGHT)
    about = (
        f"{described(shown[0])}. Noisy: under a quick PGD of ten steps. Training dashed, validation"
        " solid."
    )
    return kind.drawn(about, chart, runs=shown[:1])


def robustness(kind: Kind, runs: Sequence[Run], shown: Sequence[Run]) -> Figure:
    """Accuracy against the noise level, a line a run."""
    if not shown:
        return kind.lacking("It takes a finished run.", training(runs, "smd"))
    names = {run.id: run_names.beside(run, export.defense_title(run.config)) for run in shown}
    points = export.robustness_points(
        {names[run.id]: (run.config, _linf(data.outline(run.store).accuracies)) for run in shown}
    )
    if points["eps"].nunique() < FEWEST:
        about = "It takes an attack at several noise levels."
        return kind.lacking(about, _attack(shown), shown)
    drawn = [run for run in shown if names[run.id] in set(points["run"])]
    seen = points.groupby("run")["n"].max()
    images = {run.id: int(seen[names[run.id]]) for run in drawn}
    legend = style.legend(list(names.values()), "bottom")
    high = HEIGHT + ROW * len(drawn)
    chart = levels.robustness(points, legend).properties(height=high)
    about = _about(points, images, drawn, shown)
    return kind.drawn(about, chart, runs=drawn, warning=_unfair(drawn, images))


def _attack(shown: Sequence[Run]) -> AttackConfig:
    """What gives these runs a curve: a short attack at many levels."""
    n = min(some(run, 500) for run in shown)
    return AttackConfig(shown[0].id, "ce-pgd", {"steps": 20}, levels=CURVE, n=n, seeds=(0,))


def _about(
    points: pd.DataFrame, images: Mapping[str, int], drawn: Sequence[Run], shown: Sequence[Run]
) -> str:
    """The caption; images: how many each run's accuracies are of, by its id."""
    first = points.iloc[0]
    attack = export.attack_title(first["attack"], first["note"], int(first["steps"]))
    on = first["data"]
    of_each = "; ".join(f"{described(run)} on {images[run.id]:,} test images" for run in drawn)
    absent = ", ".join(run_names.shown(run.id) for run in shown if run not in drawn)
    left_out = f" Not drawn, as they have not seen this attack on {on}: {absent}." if absent else ""
    return (
        f"{attack} on {on}, the mean over its seeds; a line a training, bands are 95 % intervals"
        f" for that many images. {of_each}.{left_out}"
    )


def _linf(table: pd.DataFrame) -> pd.DataFrame:
    """An L2 level is a length, and stands on no axis in 1/255."""
    return table[table["norm"] == "Linf"]


def _unfair(drawn: Sequence[Run], images: Mapping[str, int]) -> str:
    """Why lines beside each other may mislead, in a sentence or two; "" where nothing is known
    against them."""
    unlike = differing(drawn)
    said = [f"These runs differ in more than their defense: {'; '.join(unlike)}."] if unlike else []
    if len(set(images.values())) > 1:
        said.append("They have not seen the same number of images.")
    return " ".join(said)
