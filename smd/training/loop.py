"""Training as an iterator of epochs; who records them is the caller's business.

All randomness derives from (seed, epoch, batch), all state is in `Training`: a run that was killed
and resumed goes through the same numbers as one that never was.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from smd import nets, registry
from smd.config.schema import TrainConfig
from smd.core import rng
from smd.core.precision import Precision, computing
from smd.data.batches import OnDevice, augmented, on_device, shuffled
from smd.data.images import Images
from smd.data.split import Splits, carve
from smd.defenses import Defense, RunInfo, StepContext, StepResult, build
from smd.registry.recipes import Recipe
from smd.training.monitor import Metric, robust_accuracies

SCHEMA = 1


@dataclass
class EpochStats:
    """The running epoch's measurements so far; part of a checkpoint."""

    clean_ok: Tensor  # (N,) bool
    adv_ok: Tensor  # (N,) bool
    crossed: Tensor  # (N,) bool, of defenses with margins
    sums: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, Tensor] = field(default_factory=dict)
    seconds: float = 0.0
    looked: bool = False  # whether the defense classifies the clean images, which clean_ok needs

    def add(self, idx: Tensor, result: StepResult) -> None:
        """Enter one step's result for the samples of `idx`, (B,)."""
        self.adv_ok[idx] = result.adv_ok
        if result.crossed is not None:
            self.crossed[idx] = result.crossed
        if result.clean_ok is not None:
            self.clean_ok[idx], self.looked = result.clean_ok, True
        for name, (total, count) in result.means.items():
            self.sums[name] = self.sums.get(name, torch.zeros_like(total)) + total
            self.counts[name] = self.counts.get(name, torch.zeros_like(count)) + count

    def means(self) -> list[Metric]:
        """The epoch's means; a mean over no sample at all is left out."""
        pairs = ((name, float(self.sums[name]), float(self.counts[name])) for name in self.sums)
        return [Metric("train", name, 0.0, total / count) for name, total, count in pairs if count]


def empty_stats(n: int, device: torch.device) -> EpochStats:
    """The stats of n samples before the first step."""
    none = torch.zeros(n, dtype=torch.bool, device=device)
    return EpochStats(none, none.clone(), none.clone())


@dataclass(frozen=True)
class Sets:
    """The splits of a run on its device."""

    train: OnDevice
    val: OnDevice
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


def prepare(
    config: TrainConfig, images: Images, device: torch.device, splits: Splits | None = None
) -> Training:
    """A run before its first epoch; raises UserError where data and network do not fit.

    splits: the rows that it has begun with; None: they are carved now.
    """
    rows = splits or carve(images, config.seed, config.n_train)
    sets = Sets(
        on_device(images, rows.train, device), on_device(images, rows.val, device), images.classes
    )
    info = RunInfo(len(sets.train), config.epochs, images.shape, device)
    torch.manual_seed(rng.derived(config.seed, "weights"))
    model = nets.build(config.net, images.shape, len(images.classes)).to(device)
    defense = build(config.defense, config.params)
    optimizer = _optimizer(model, config.full_recipe)
    state, stats = defense.begin(info), empty_stats(info.n, device)
    return Training(config, info, sets, model, defense, optimizer, state, stats)


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """SGD; with decay_weights_only, tensors of one dimension (biases, scales) have no decay."""
    parameters = list(model.parameters())
    decayed = [p for p in parameters if p.dim() > 1 or not recipe.decay_weights_only]
    others = [p for p in parameters if p.dim() <= 1 and recipe.decay_weights_only]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    # one pass over the weights instead of four
    fused = parameters[0].device.type in ("cpu", "cuda")
    return torch.optim.SGD(
        [group for group in groups if group["params"]], lr=recipe.lr, momentum=0.9, fused=fused
    )


def epochs(
    training: Training, after_batch: Callable[[Training, int], None]
) -> Iterator[EpochResult]:
    """Train to the end of the run, yielding after every epoch.

    `after_batch(training, batches)` is called when a batch is done, `batches` being those of an
    epoch; it may raise, and a checkpoint taken there resumes with the next batch.
    """
    while training.epoch < training.config.epochs:
        _finish_epoch(training, after_batch)
        result = _measure(training, lambda: after_batch(training, training.batch))
        training.epoch, training.batch = training.epoch + 1, 0
        training.stats = empty_stats(training.info.n, training.info.device)
        yield result


def _finish_epoch(training: Training, after_batch: Callable[[Training, int], None]) -> None:
    """Take the steps of the running epoch that are still to be taken."""
    config, device = training.config, training.info.device
    order = rng.generator("cpu", config.seed, "order", training.epoch)
    parts = shuffled(training.info.n, config.batch, order, device)
    rate = config.full_recipe.rate(training.epoch, config.epochs, training.epoch * len(parts))
    for group in training.optimizer.param_groups:
        group["lr"] = rate
    training.model.train()
    while training.batch < len(parts):
        start = time.perf_counter()
        _step(training, parts[training.batch])
        training.batch += 1
        training.stats.seconds += time.perf_counter() - start
        after_batch(training, len(parts))
    start = time.perf_counter()
    # steps are only queued there: their time is known when the last is done
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    training.stats.seconds += time.perf_counter() - start


def _step(training: Training, idx: Tensor) -> None:
    config, device = training.config, training.info.device
    generator = rng.generator(device, config.seed, "step", training.epoch, training.batch)
    batch = training.sets.train.take(idx)
    kind = registry.DATASETS[config.data].augment
    batch = replace(batch, x=augmented(batch.x, kind, generator))
    training.optimizer.zero_grad(set_to_none=True)
    context = StepContext(training.info, training.epoch, generator)
    with computing(cast(Precision, config.precision), device):
        result = training.defense.step(training.model, batch, training.state, context)
    training.optimizer.step()
    training.stats.add(batch.idx, result)


def _measure(training: Training, alive: Callable[[], None]) -> EpochResult:
    """The finished epoch's result: means over steps, counts of samples, quick attacks (Fig. 8).

    `alive` is called after every batch of an attack and may raise, like after a batch of training.
    """
    stats, info = training.stats, training.info
    clean_ok, adv_ok = stats.clean_ok.cpu().numpy(), stats.adv_ok.cpu().numpy()
    metrics = stats.means()
    metrics.append(Metric("train", "lr", 0.0, training.optimizer.param_groups[0]["lr"]))
    metrics.append(Metric("train", "seconds", 0.0, stats.seconds))
    metrics.append(Metric("train", "samples_per_s", 0.0, info.n / max(stats.seconds, 1e-9)))
    metrics.append(Metric("train", "finished_at", 0.0, time.time()))
    if stats.looked:
        metrics.append(Metric("train", "misclassified", 0.0, float((~clean_ok).sum())))
        metrics.append(Metric("train", "accuracy", 0.0, float(clean_ok.mean())))
    if "margin" in training.state:
        if registry.DEFENSES[training.config.defense].moves:
            metrics.append(Metric("train", "expanded", 0.0, float(adv_ok.sum())))
            metrics.append(Metric("train", "shrunk", 0.0, float((clean_ok & ~adv_ok).sum())))
        if clean_ok.any():  # a misclassified image has no margin
            mean = float(training.state["margin"].cpu().numpy()[clean_ok].mean(dtype=np.float64))
            metrics.append(Metric("train", "margin_mean", 0.0, mean))
    for split, data in (("train", training.sets.train), ("val", training.sets.val)):
        metrics += robust_accuracies(training.model, data, split, training.config, info.n, alive)
    state = {name: value.detach().cpu().numpy().copy() for name, value in training.state.items()}
    return EpochResult(
        training.epoch + 1, metrics, state, clean_ok, adv_ok, stats.crossed.cpu().numpy()
    )


def checkpoint(training: Training) -> dict[str, Any]:
    """Everything that changes while training, as torch.load(weights_only=True) can read it."""
    stats = training.stats
    return {
        "schema": SCHEMA,
        "epoch": training.epoch,
        "batch": training.batch,
        "model": training.model.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "state": training.state,
        "tally": {
            "clean_ok": stats.clean_ok,
            "adv_ok": stats.adv_ok,
            "crossed": stats.crossed,
            "sums": stats.sums,
            "counts": stats.counts,
            "seconds": stats.seconds,
            "looked": stats.looked,
        },
    }


def restore(training: Training, saved: dict[str, Any]) -> None:
    """Go on from a checkpoint of the same config."""
    device = training.info.device
    training.epoch, training.batch = saved["epoch"], saved["batch"]
    training.model.load_state_dict(saved["model"])
    training.optimizer.load_state_dict(saved["optimizer"])
    training.state = {name: value.to(device) for name, value in saved["state"].items()}
    stats = saved["tally"]
    # earlier versions did not keep it
    crossed = stats.get("crossed", stats["clean_ok"] & ~stats["adv_ok"])
    moved = {k: {n: v.to(device) for n, v in stats[k].items()} for k in ("sums", "counts")}
    training.stats = EpochStats(
        stats["clean_ok"].to(device),
        stats["adv_ok"].to(device),
        crossed.to(device),
        moved["sums"],
        moved["counts"],
        stats["seconds"],
        stats.get("looked", True),
    )
