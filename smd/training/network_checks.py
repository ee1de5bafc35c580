"""A network of a library or an own file is looked at before its training starts."""

import torch
from torch import nn

from smd import nets, registry
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.nets import parts
from smd.nets.batchnorm import couples_samples
from smd.nets.checks import problems_of
from smd.ranks import shard
from smd.ranks.group import current


def refuse_unbuilt(
    config: TrainConfig, shape: tuple[int, ...], classes: int, device: torch.device
) -> None:
    """Look at a library's network before its weights take any memory; raises UserError as `refuse`.

    One that cannot be looked at without numbers is looked at once it is built.
    """
    if not _of_library(config):
        return
    try:
        with torch.random.fork_rng(()), torch.device("meta"):
            model = nets.of_config(config, shape, classes)
        problems = problems_of(model, shape, classes, _at_once(config, model), device)
    except (NotImplementedError, RuntimeError):
        return
    _raise(config, problems)


def refuse(
    config: TrainConfig,
    model: nn.Module,
    shape: tuple[int, ...],
    classes: int,
    device: torch.device,
) -> None:
    """Raise UserError where a network beside the table cannot be trained on such images.

    shape: of an image (C, H, W), or of a volume (C, D, H, W); device: where it shall train.
    """
    if registry.find_network(config.net).argument:
        batch = _at_once(config, model)
        _raise(config, problems_of(model, shape, classes, batch, device))


def microbatch(
    config: TrainConfig, model: nn.Module, shape: tuple[int, ...], device: torch.device
) -> int:
    """Images of a step that go through the network at once, as asked for or found; 0: all, or all
    that a rank has of the batch.

    Raises UserError where parts are asked for or needed and the network does not treat each image
    on its own, as with batch norm: parts would train it otherwise.
    """
    size = config.microbatch or (
        0 if couples_samples(model) else parts.found(model, shape, _own(config), device)
    )
    if not size or size >= _own(config):
        return 0
    if couples_samples(model, torch.zeros((1, *shape), device=device)):
        raise UserError(
            f"{config.net} cannot take {config.batch} images in parts of {size}, as its answer to"
            " an image in training depends on the rest of its batch (batch norm does that): leave"
            f" --microbatch out, or take --batch {size}, which is another training."
        )
    return size


def _at_once(config: TrainConfig, model: nn.Module) -> int:
    """Images whose memory is asked for: the whole batch where the network cannot take parts."""
    own = _own(config)
    return own if couples_samples(model) else min(own, config.microbatch or 1)


def _own(config: TrainConfig) -> int:
    """Images of a full batch that a rank has at most."""
    return shard.counts(config.batch, current().size)[0]


def _of_library(config: TrainConfig) -> bool:
    return config.net.partition(":")[0] in registry.LIBRARIES


def _raise(config: TrainConfig, problems: list[str]) -> None:
    if problems:
        raise UserError(f"{config.net}: {' '.join(problems)}")
