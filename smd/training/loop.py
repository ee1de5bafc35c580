"""Training as an iterator of epochs; who records them is the caller's business.

All randomness derives from (seed, epoch, batch), all state is in `Training`: a run that was killed
and resumed goes through the same numbers as one that never was.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from smd import nets, registry
from smd.config.schema import TrainConfig
from smd.core import rng
from smd.core.lp import Norm
from smd.core.precision import Precision, computing
from smd.data.batches import Batch, Rows, augmented, shuffled
from smd.data.images import Images
from smd.data.rows import rows_of
from smd.data.split import Splits, carve
from smd.defenses import Defense, RunInfo, StepContext, build
from smd.nets.parts import for_looks, in_parts
from smd.nets.ranked import ranked
from smd.ranks import shard
from smd.ranks.group import ALONE, current
from smd.ranks.shard import Shard
from smd.training import averaging, epoch_stats, network_checks, optimizers
from smd.training.balance import class_weights, sampled
from smd.training.epoch_stats import EpochStats
from smd.training.monitor import Metric, robust_accuracies
from smd.training.stepping import together

SCHEMA = 1


@dataclass(frozen=True)
class Sets:
    """The splits of a run on its device."""

    train: Rows
    val: Rows
    classes: tuple[str, ...]


@dataclass
class Training:
    """A run in progress: its settings and parts, and all that a checkpoint holds."""

    config: TrainConfig
    info: RunInfo
    sets: Sets
    model: nn.Module
    defense: Defense
    optimizer: torch.optim.Optimizer
    state: dict[str, Tensor]
    stats: EpochStats
    epoch: int = 0  # finished epochs
    batch: int = 0  # finished batches of the running epoch
    averaged: AveragedModel | None = None  # None: the weights are not averaged
    # the model as steps use it where its batch goes through it in parts, or is shared by ranks
    parted: nn.Module | None = None
    weights: Tensor | None = None  # (K,) of each class's losses; None: all alike


@dataclass(frozen=True)
class EpochResult:
    """The measurements of one finished epoch."""

    epoch: int  # counted from 1
    metrics: list[Metric]
    state: dict[str, np.ndarray]  # per-sample state, each (N, ...)
    clean_ok: np.ndarray  # (N,) bool
    adv_ok: np.ndarray  # (N,) bool
    # (N,) bool, the margin's search met the boundary; all False without margins
    crossed: np.ndarray
    # (N,) bool; of the others the epoch says nothing: their state is an earlier one
    drawn: np.ndarray


def prepare(
    config: TrainConfig, images: Images, device: torch.device, splits: Splits | None = None
) -> Training:
    """A run before its first epoch; raises UserError where data and network do not fit.

    splits: the rows that it has begun with; None: they are carved now.
    """
    rows = splits or carve(images, config.seed, config.n_train, config.folds, config.fold)
    sets = Sets(
        rows_of(images, rows.train, device), rows_of(images, rows.val, device), images.classes
    )
    about = (len(sets.train), config.epochs, images.shape, device)
    info = RunInfo(*about, cast(Norm, config.norm))
    network_checks.refuse_unbuilt(config, images.shape, len(images.classes), device)
    torch.manual_seed(rng.derived(config.seed, "weights"))
    model = nets.of_config(config, images.shape, len(images.classes)).to(device)
    network_checks.refuse(config, model, images.shape, len(images.classes), device)
    size = network_checks.microbatch(config, model, images.shape, device)
    defense = build(config.defense, config.params)
    stepping = optimizers.optimizer(model, config.full_recipe)
    state, stats = defense.begin(info), epoch_stats.empty(info.n, device)
    averaged = averaging.begin(model) if config.average == "ema" else None
    network = ranked(model, images.shape, device)
    parted = in_parts(network, size) if size or network is not model else None
    weights = (
        class_weights(sets.train.labels, len(images.classes)) if config.balance == "loss" else None
    )
    parts = (config, info, sets, model, defense, stepping, state, stats)
    return Training(*parts, averaged=averaged, parted=parted, weights=weights)


def epochs(
    training: Training, after_batch: Callable[[Training, int], None]
) -> Iterator[EpochResult]:
    """Train to the end of the run, yielding after every epoch.

    `after_batch(training, batches)` is called when a batch is done, `batches` being those of an
    epoch; it may raise, and a checkpoint taken there resumes with the next batch.

    Where several ranks train (smd.ranks.group), each of them iterates, from the same state
    (smd.training.joining): every one holds all that a checkpoint does. `after_batch` and the quick
    attacks are rank 0's; if that raises, or breaks off, the others raise Ended.
    """
    while training.epoch < training.config.epochs:
        _finish_epoch(training, after_batch)
        result = _measure(training, lambda: after_batch(training, training.batch))
        training.epoch, training.batch = training.epoch + 1, 0
        training.stats = epoch_stats.empty(training.info.n, training.info.device)
        with current().led():  # who stores the result may be long about it, or end the training
            yield result


def parts_of(config: TrainConfig, labels: Tensor, epoch: int) -> list[Tensor]:
    """The ids of an epoch's batches, a function of seed and epoch alone; epochs count from 0.

    labels: (N,) of the training images. Every epoch has ceil(N / config.batch) batches.
    """
    order = rng.generator("cpu", config.seed, "order", epoch)
    if config.balance == "sampling":
        return sampled(labels, config.batch, order)
    return shuffled(len(labels), config.batch, order, labels.device)


def _finish_epoch(training: Training, after_batch: Callable[[Training, int], None]) -> None:
    """Take the steps of the running epoch that are still to be taken."""
    config, device = training.config, training.info.device
    parts = parts_of(config, training.sets.train.labels, training.epoch)
    rate = config.full_recipe.rate(training.epoch, config.epochs, training.epoch * len(parts))
    for group in training.optimizer.param_groups:
        group["lr"] = rate
    (training.parted or training.model).train()
    ranks = current()
    shards = [shard.of(len(part), ranks) for part in parts]
    own = [place.own(part) for place, part in zip(shards, parts, strict=True)]
    with closing(training.sets.train.batches(own[training.batch :])) as batches:
        while training.batch < len(parts):
            start = time.perf_counter()
            _step(training, next(batches), parts[training.batch], shards[training.batch])
            training.batch += 1
            training.stats.seconds += time.perf_counter() - start
            ranks.lead(lambda: after_batch(training, len(parts)))
    start = time.perf_counter()
    # steps are only queued there: their time is known when the last is done
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    training.stats.seconds += time.perf_counter() - start


def _step(training: Training, batch: Batch, ids: Tensor, place: Shard) -> None:
    """One step on the batch of those ids, (B,); `batch` is this rank's part of it, at `place`."""
    config, device = training.config, training.info.device
    generator = rng.generator(device, config.seed, "step", training.epoch, training.batch)
    source = generator if current() is ALONE else rng.Draws(generator, place)
    kind = registry.DATASETS[config.data].augment
    weight = None if training.weights is None else training.weights[batch.y]
    batch = replace(batch, x=augmented(batch.x, kind, source), weight=weight)
    training.optimizer.zero_grad(set_to_none=True)
    context = StepContext(training.info, training.epoch, source)
    with computing(cast(Precision, config.precision), device):
        model = training.parted or training.model
        result = training.defense.step(model, batch, training.state, context)
    result = together(training.model, training.state, batch.idx, ids, result)
    optimizers.step(training.optimizer)
    if training.averaged is not None:
        averaging.update(training.averaged, training.model)
    training.stats.add(ids, result)


def _measure(training: Training, alive: Callable[[], None]) -> EpochResult:
    """The finished epoch's result: means over steps, counts of samples, quick attacks (Fig. 8).

    `alive` is called after every batch of an attack and may raise, like after a batch of training.
    """
    stats = training.stats
    metrics = stats.means()
    metrics.append(Metric("train", "lr", 0.0, training.optimizer.param_groups[0]["lr"]))
    metrics.append(Metric("train", "seconds", 0.0, stats.seconds))
    metrics.append(Metric("train", "samples_per_s", 0.0, stats.draws / max(stats.seconds, 1e-9)))
    metrics.append(Metric("train", "finished_at", 0.0, time.time()))
    flags = (stats.clean_ok, stats.adv_ok, stats.crossed, stats.drawn)
    result = EpochResult(
        training.epoch + 1,
        metrics,
        {name: value.detach().cpu().numpy().copy() for name, value in training.state.items()},
        *(flag.cpu().numpy() for flag in flags),
    )
    metrics += _counted(training, result)
    metrics += current().lead(lambda: _looked(training, alive)) or []
    return result


def _looked(training: Training, alive: Callable[[], None]) -> list[Metric]:
    """The quick attacks; see `_measure`."""
    config, info, sets = training.config, training.info, training.sets
    model = for_looks(training.model, info.shape, info.device)
    metrics = []
    for split, data in (("train", sets.train), ("val", sets.val)):
        metrics += robust_accuracies(model, data, split, config, info.n, alive)
    return metrics


def _counted(training: Training, result: EpochResult) -> list[Metric]:
    """What became of the samples that the epoch drew, each counted once, as its last draw was."""
    config, clean_ok, adv_ok = training.config, result.clean_ok, result.adv_ok
    values: dict[str, float] = {}
    if config.balance == "sampling":
        values = {"draws": training.stats.draws, "drawn": int(result.drawn.sum())}
    if training.stats.looked:
        values["misclassified"] = int((result.drawn & ~clean_ok).sum())
        values["accuracy"] = float(clean_ok[result.drawn].mean())
    if "margin" in result.state:
        if registry.DEFENSES[config.defense].moves:
            values["expanded"] = int(adv_ok.sum())
            values["shrunk"] = int((clean_ok & ~adv_ok).sum())
        if clean_ok.any():  # a misclassified image has no margin
            values["margin_mean"] = float(result.state["margin"][clean_ok].mean(dtype=np.float64))
    return [Metric("train", name, 0.0, float(value)) for name, value in values.items()]


def checkpoint(training: Training) -> dict[str, Any]:
    """Everything that changes while training, as torch.load(weights_only=True) can read it."""
    return {
        "schema": SCHEMA,
        "epoch": training.epoch,
        "batch": training.batch,
        "model": training.model.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "averaged": training.averaged.state_dict() if training.averaged is not None else None,
        "state": training.state,
        "tally": training.stats.saved(),
    }


def restore(training: Training, saved: dict[str, Any]) -> None:
    """Go on from a checkpoint of the same config."""
    device = training.info.device
    training.epoch, training.batch = saved["epoch"], saved["batch"]
    training.model.load_state_dict(saved["model"])
    training.optimizer.load_state_dict(saved["optimizer"])
    if training.averaged is not None:
        training.averaged.load_state_dict(saved["averaged"])
    training.state = {name: value.to(device) for name, value in saved["state"].items()}
    passed = min(training.batch * training.config.batch, training.info.n)
    training.stats = epoch_stats.restored(saved["tally"], device, passed)
