"""A training before its first step, and what the log says of it."""

from collections.abc import Callable

import torch

from smd.config.schema import TrainConfig
from smd.data.images import Images
from smd.data.rows import told
from smd.data.split import Splits
from smd.nets.batchnorm import couples_samples
from smd.nets.parts import InParts, whole
from smd.training import balance
from smd.training.loop import Training, parts_of, prepare


def prepared(
    config: TrainConfig,
    images: Images,
    device: torch.device,
    splits: Splits,
    line: Callable[[str], None],
) -> Training:
    """`prepare`; `line` gets what is in memory, how classes are drawn and what goes in parts."""
    line(told(images, splits.train, device))
    training = prepare(config, images, device, splits)
    if config.balance == "sampling":
        labels = training.sets.train.labels
        line(balance.told(labels, parts_of(config, labels, 0), images.classes))
    if isinstance(training.parted, InParts):
        line(
            f"A step's {config.batch} images go through the network {training.parted.size} at a"
            " time, as asked for or as the memory holds: it is the step of all of them, to float"
            " noise, but takes longer."
        )
    elif couples_samples(training.model) and (
        caution := whole(training.model, images.shape, config.batch, device)
    ):
        line(caution)
    return training
