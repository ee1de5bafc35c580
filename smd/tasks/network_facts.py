"""What a training says of its network: the file that it is from, and what to beware of."""

from collections.abc import Callable
from typing import Any

from torch import nn

from smd import registry
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.nets import libraries, own
from smd.nets.checks import cautions_of
from smd.runs.folders import Run
from smd.store import reader

DIGEST = "network_file"  # in the store's meta: SHA-256 of the own file
CAUTIONS = "network_cautions"


def facts_of(
    run: Run,
    config: TrainConfig,
    model: nn.Module,
    shape: tuple[int, ...],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """What the store keeps of a network beside the table; {} for one of the table.

    shape: of an image, (C, H, W) or (C, D, H, W). say: is told each caution. Raises UserError where
    the run goes on and its file is another one than it began with.
    """
    entry = registry.find_network(config.net)
    if not entry.argument:
        return {}
    facts: dict[str, Any] = {}
    if entry.target == registry.OWN:
        facts[DIGEST] = own.digest(entry.argument)
        if run.checkpoint.exists() and (why := changed(run, entry.argument)):
            raise UserError(f"{why} Put the earlier file back, or start a new run.")
    if cautions := [*cautions_of(model, shape), *_of_weights(config)]:
        facts[CAUTIONS] = cautions
    for caution in cautions:
        say(caution)
    return facts


def changed_since(run: Run) -> str:
    """`changed` for a run whose network is of an own file; "" for all others."""
    entry = registry.find_network(run.config.net)
    return changed(run, entry.argument) if entry.target == registry.OWN else ""


def changed(run: Run, argument: str) -> str:
    """Whether "mine.py:build" is another file than the run began with, as a sentence; "" if not."""
    began, now = reader.meta(run.store).get(DIGEST), own.digest(argument)
    if not isinstance(began, str) or began == now:
        return ""
    file = argument.partition(":")[0]
    return f"{file} has changed since the run began (SHA-256 {began[:8]} then, {now[:8]} now)."


def _of_weights(config: TrainConfig) -> list[str]:
    """Pretrained weights without the normalisation that they were trained with."""
    usual = libraries.normalisation_of(config.net)
    if config.init != "pretrained" or config.mean or usual is None:
        return []
    mean, std = (",".join(f"{value:g}" for value in values) for values in usual)
    return [
        f"The pretrained weights expect normalised images: train with --mean {mean} --std {std}."
    ]
