"""Experiment trackers that a job can write to beside its store."""

from dataclasses import dataclass
from importlib.util import find_spec

from smd.registry.knobs import named


@dataclass(frozen=True)
class Tracker:
    """An experiment tracker: who writes to it and what that needs."""

    name: str  # also the extra of this package that installs it
    title: str
    target: str  # "module:class", () -> smd.sinks.events.Sink
    packages: tuple[str, ...]  # what is imported; all must be installed
    description: str


SINKS = named(
    Tracker(
        name="tensorboard",
        title="TensorBoard",
        target="smd.sinks.tensorboard:TensorBoard",
        packages=("tensorboard",),
        description="Event files in the run's folder.",
    ),
    Tracker(
        name="mlflow",
        title="MLflow",
        target="smd.sinks.mlflow:MLflow",
        packages=("mlflow", "sqlalchemy", "alembic"),
        description="MLFLOW_TRACKING_URI, or a database beside the runs.",
    ),
    Tracker(
        name="wandb",
        title="Weights & Biases",
        target="smd.sinks.wandb:WeightsAndBiases",
        packages=("wandb",),
        description="An offline run in the run's folder; uploads only where WANDB_MODE says so.",
    ),
)


def sink_names(text: str) -> list[str]:
    """The trackers of "tensorboard,mlflow", each once, known or not."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def sink_problems(text: str) -> list[str]:
    """Why a job cannot write to these trackers, each a sentence; nothing is imported."""
    sentences = []
    for name in sink_names(text):
        if name not in SINKS:
            sentences.append(f"There is no tracker '{name}': choose of {', '.join(SINKS)}.")
        elif not all(map(_installed, SINKS[name].packages)):
            sentences.append(
                f"{SINKS[name].title} is not installed: pip install "
                f'"smd-studio[{name}]", or leave --log {name} out.'
            )
    return sentences


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # a module without a spec stands in its place
        return False
