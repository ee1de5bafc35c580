"""How long a run would take: a few steps on this machine, scaled to all of them."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from smd.config import validation
from smd.config.schema import TrainConfig
from smd.core import rng
from smd.core.losses import ce
from smd.core.pgd import input_gradient
from smd.data.batches import spread
from smd.defenses import StepContext
from smd.devices import resolve_device
from smd.errors import UserError
from smd.jobs.locks import device_lock
from smd.nets.modes import frozen
from smd.nets.parts import for_looks
from smd.tasks.images import loaded
from smd.tasks.train import FINAL_IMAGES, FINAL_STEPS
from smd.training import monitor_size
from smd.training.loop import Training, prepare

BATCHES = 3  # the first warms up and does not count


def probe(config: TrainConfig) -> dict[str, Any]:
    """Estimated seconds of a run, its device and speed; raises UserError if it could not start.

    "busy" tells that another job uses the device, so that the estimate is too long.
    """
    if sentences := validation.of_training(config):
        raise UserError(" ".join(sentences))
    device = resolve_device(config.device)
    lock = device_lock(str(device))
    free = lock.acquire(wait=False)
    try:
        training = prepare(config, loaded(config, config.data_path), device)
        step, look = _seconds_of_a_step(training), _seconds_of_a_pass(training)
    finally:
        lock.release()
    batches = -(-training.info.n // config.batch)
    epoch = step * batches + look * _passes_of_a_look(training)
    final = look * FINAL_STEPS * len(config.levels) * (config.n_test or FINAL_IMAGES)
    return {
        "seconds": epoch * config.epochs + final,
        "seconds_per_epoch": epoch,
        "samples_per_s": config.batch / step,
        "device": str(device),
        "busy": not free,
    }


def _seconds_of_a_step(training: Training) -> float:
    """One training step of a network that gets every image right, which is where most of a run is
    spent.

    A fresh network gets nearly all wrong, and SMD has nothing to explore then; so its own
    predictions serve as labels.
    """
    model, info = (training.parted or training.model).train(), training.info
    each = []
    for k in range(BATCHES):
        idx = torch.arange(k, k + training.config.batch, device=info.device) % info.n
        batch = training.sets.train.take(idx)
        with torch.no_grad():
            batch = replace(batch, y=model(batch.x).argmax(1))
        # schedules are in their middle
        context = StepContext(info, info.epochs // 2, rng.generator(info.device, "probe", k))
        each.append(_timed(partial(training.defense.step, model, batch, training.state, context)))
    return sum(each[1:]) / (BATCHES - 1)


def _seconds_of_a_pass(training: Training) -> float:
    """One image's share of a gradient step of an attack."""
    batch = training.sets.train.take(spread(training.info.n, 64).to(training.info.device))
    model = for_looks(training.model, training.info.shape, training.info.device).eval()
    with frozen(model):
        each = [_timed(lambda: input_gradient(model, ce, batch.x, batch.y)) for _ in range(BATCHES)]
    return sum(each[1:]) / (BATCHES - 1) / len(batch.y)


def _passes_of_a_look(training: Training) -> int:
    """Gradient steps times images of the quick attacks after an epoch: two levels, two splits."""
    sets, info = training.sets, training.info
    looks = (
        monitor_size.images(info.n, len(rows), info.shape)[1] for rows in (sets.train, sets.val)
    )
    return 2 * monitor_size.STEPS * sum(looks)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began
