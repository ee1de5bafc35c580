"""A run's trained network: built by name and filled, or whole from the run's own file."""

from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from smd import nets, weights
from smd.config.importing import ImportConfig
from smd.config.schema import TrainConfig
from smd.config.types import number
from smd.errors import UserError
from smd.nets.normalized import Normalized
from smd.runs.folders import Run
from smd.store import reader
from smd.tasks.files import load_weights, weights_file

PARTS = ("mean", "std")
COLORS = (1, 3)  # channels of what networks take


@dataclass(frozen=True)
class Trained:
    """A trained network on the CPU, in eval mode, and what it was trained on."""

    model: nn.Module  # (B, C, ...) in [0, 1] -> logits (B, K), with `.features`
    shape: tuple[int, ...]  # of one image, (C, H, W) or (C, D, H, W)
    classes: tuple[str, ...]


def trained_network(run: Run, which: str = "last") -> Trained:
    """A run's network without its images.

    which: its "last" weights or the averaged ones, "ema". Raises UserError where the run has none
    yet, or they do not fit its network.
    """
    about = reader.meta(run.store)
    shape = tuple(int(side) for side in about.get("shape", ()))
    classes = tuple(str(name) for name in about.get("classes", ()))
    if not shape or not classes or shape[0] not in COLORS:
        raise UserError(f"{run.id} says not what images it was trained on: let it begin first.")
    return Trained(network_of(run, shape, len(classes), which).eval(), shape, classes)


def normalised(run: Run) -> TrainConfig:
    """The run's config, with the normalisation that stood in the file where an import names
    none."""
    config = run.config
    if not isinstance(config, ImportConfig) or config.mean or not run.store.exists():
        return config
    stood = reader.meta(run.store).get("normalisation", {})
    mean, std = (_numbers(stood.get(name)) if isinstance(stood, dict) else () for name in PARTS)
    return replace(config, mean=mean, std=std) if len(mean) == len(std) and all(std) else config


def _numbers(values: Any) -> tuple[float, ...]:
    """A store's list of finite numbers; () where it is none."""
    return (
        tuple(map(float, values)) if isinstance(values, list) and all(map(number, values)) else ()
    )


def network_of(run: Run, shape: tuple[int, ...], classes: int, which: str = "last") -> nn.Module:
    """The network on the CPU: x (B, *shape) in [0, 1] -> logits (B, classes).

    which: its "last" weights or the averaged ones, "ema". Raises UserError where they are missing,
    broken or of another network.
    """
    config = normalised(run)
    if (file := run.network) and which == "last":
        network = weights.whole(file, shape)
        return Normalized(network, shape[0], config.mean, config.std) if config.mean else network
    model = nets.of_config(config, shape, classes)
    load_weights(weights_file(run, which), model)
    return model
