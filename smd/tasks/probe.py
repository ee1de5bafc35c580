"""How long a run would take: a few steps on this machine, scaled to all of them."""

import time
from typing import Any

import torch

from smd import config as configs
from smd import data
from smd.config import TrainConfig
from smd.errors import UserError
from smd.train import Training, epochs, prepare, resolve_device

BATCHES = 4  # the first warms up and does not count


class _Enough(Exception):
    """Raised after the last probe batch."""


def probe(config: TrainConfig) -> dict[str, Any]:
    """Estimated seconds of a run, its device and speed; raises UserError if it could not start."""
    if problems := configs.problems(config):
        raise UserError(" ".join(problems))
    device = resolve_device(config.device)
    images = data.load(config.data, config.data_path, config.image_size)
    training = prepare(config, images, device)
    each, batches = _seconds_per_batch(training)
    return {
        "seconds": each * batches * config.epochs,
        "device": str(device),
        "samples_per_s": config.batch / each,
        "seconds_per_epoch": each * batches,
    }


def _seconds_per_batch(training: Training) -> tuple[float, int]:
    """Mean seconds of a batch, and how many batches an epoch has."""
    stamps: list[float] = []
    count = 1

    def after_batch(_: Training, batches: int) -> None:
        nonlocal count
        count = batches
        if training.plan.device.type == "cuda":
            torch.cuda.synchronize()
        stamps.append(time.perf_counter())
        if len(stamps) >= min(BATCHES, batches):
            raise _Enough

    began = time.perf_counter()
    try:
        for _ in epochs(training, after_batch):
            break
    except _Enough:
        pass
    if len(stamps) == 1:
        return stamps[0] - began, count
    return (stamps[-1] - stamps[0]) / (len(stamps) - 1), count
