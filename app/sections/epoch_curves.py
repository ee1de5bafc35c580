"""What a training measures every epoch, as curves: accuracies, losses, margins."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from smd import export
from smd.runs.folders import Run
from smd.store import reader
from smd.units import factor

from .. import data
from ..charts import curves, style
from ..components import downloads, layout, look_sizes, run_names, standing


@dataclass(frozen=True)
class Chart:
    """A chart of training metrics over the epochs."""

    title: str
    names: dict[str, str]  # metric -> its legend entry
    unit: str  # of the axis
    alt: str
    factor: float = 1.0  # what the stored values are multiplied by
    log: bool = False
    needs: str = ""  # the metric without which it says nothing


LOSSES = {"loss_clean": "clean images", "loss_noisy": "noisy images"}
LOSS = {"loss": "what it is trained on"}  # of defenses that do not tell the two apart
CHARTS = (
    Chart("Loss", LOSSES, "cross-entropy (nats)", "Training loss", log=True),
    Chart(
        "Mean margin, correct images",
        {"margin_mean": "mean margin"},
        style.MARGIN,
        "Mean margin of correctly classified training images, found and reached ones together",
    ),
    Chart(
        "Where margins move",
        {
            "expanded": "expanding",
            "shrunk": "shrinking",
            "misclassified": "misclassified",
            "drawn": "drawn in the epoch",
        },
        "training images",
        "How many training images had their margin expanded or shrunk",
        needs="expanded",
    ),
    Chart(
        "How much steps are cut",
        {"gamma1": "γ₁, by the margin", "gamma2": "γ₂, by the gradient"},
        "mean factor",
        "Mean decay factors of the margin's expansion step",
    ),
)


def section(run: Run, look: curves.Look) -> None:
    """Everything that was measured every epoch."""
    metrics = data.read(reader.metrics, run.store)
    if metrics.empty:
        standing.show(run.status, "Curves appear", "the first epoch is done")
        return
    norm = run.config.norm
    st.header("Accuracy under attack, epoch by epoch" + f" ({norm})" * (norm != "Linf"))
    accuracies = curves.accuracy(metrics, look, norm, look_sizes.of(run))
    st.altair_chart(accuracies, key="fig8", alt=curves.said(metrics, norm))
    grid = layout.pair()
    for chart in CHARTS:
        names = LOSS if chart.names is LOSSES and not measured(metrics, LOSSES) else chart.names
        shown = measured(metrics, names)
        if shown and (not chart.needs or chart.needs in shown):
            with grid.cell():
                over_epochs(metrics, chart, shown, look, norm)
    st.markdown("**Every number of every epoch**")
    name = f"{run_names.link(run.id)}-epochs"
    downloads.of_table(export.epoch_table(metrics, norm), name, chart=accuracies)


def over_epochs(
    metrics: pd.DataFrame, chart: Chart, shown: dict[str, str], look: curves.Look, norm: str
) -> None:
    """One chart, of those of its metrics that the run has."""
    st.header(chart.title)
    unit, times = chart.unit, chart.factor
    if unit == style.MARGIN:
        unit, times = style.margin(norm), factor(norm)
    st.altair_chart(
        curves.training(metrics, shown, unit, times, chart.log, look),
        key=chart.title,
        alt=f"{chart.alt} over the epochs.",
    )


def measured(metrics: pd.DataFrame, names: dict[str, str]) -> dict[str, str]:
    """Those of these training metrics that the run has: not every defense measures all of them."""
    there = set(metrics[metrics["split"] == "train"]["name"])
    return {name: title for name, title in names.items() if name in there}
