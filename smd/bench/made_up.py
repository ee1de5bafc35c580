"""Made-up images, networks and margins of any size: costs hardly depend on the content."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from smd.config.schema import TrainConfig
from smd.core import rng
from smd.data.batches import Batch
from smd.data.images import Images
from smd.data.split import TEST, TRAIN, VAL
from smd.defenses import StepContext
from smd.store.records import EpochRecord
from smd.store.writer import Recorder
from smd.training.loop import Training, prepare

FARTHEST = 32 / 255  # margin that the last epoch reaches
SHARE = 8  # for so many training images one for validation and one for testing


def images(n: int, channels: int, size: int, classes: int) -> Images:
    """n random training images, of every class if n is large enough, and some of other splits."""
    more = max(1, n // SHARE)
    total = n + 2 * more
    drawn = np.random.default_rng(0)
    pixels = drawn.integers(0, 256, (total, channels, size, size), np.uint8)
    labels = drawn.permutation(total) % classes
    labels[:n] = drawn.permutation(n) % classes
    split = np.repeat(np.array([TRAIN, VAL, TEST], np.uint8), [n, more, more])
    return Images("made-up", "made-up", tuple(map(str, range(classes))), pixels, labels, split)


@dataclass(frozen=True)
class Stepper:
    """A fresh network and a batch that it classifies correctly: only such samples are explored."""

    training: Training
    batch: Batch

    def step(self) -> None:
        """One step of SMD and of the optimiser; its rate is 0, so that the work stays the same."""
        training = self.training
        training.optimizer.zero_grad(set_to_none=True)
        context = StepContext(training.info, 0, rng.generator(training.info.device, "bench"))
        training.defense.step(training.model, self.batch, training.state, context)
        training.optimizer.step()


def stepper(net: str, batch: int, channels: int, size: int, classes: int = 10) -> Stepper:
    """A stepper on the CPU with batches of that size; labels are the network's own predictions."""
    config = TrainConfig(net=net, batch=batch, epochs=150)
    training = prepare(
        config, images(max(batch, classes), channels, size, classes), torch.device("cpu")
    )
    taken = training.sets.train.take(torch.arange(batch))
    for group in training.optimizer.param_groups:
        group["lr"] = 0.0
    training.model.train()
    with torch.no_grad():
        own = training.model(taken.x).argmax(1)
    return Stepper(training, replace(taken, y=own))


def epoch(number: int, epochs: int, samples: int) -> EpochRecord:
    """What epoch `number` of so many leaves behind: margins that spread as the run goes on."""
    drawn = np.random.default_rng((samples, number))
    reach = FARTHEST * number / epochs
    margins = (reach * drawn.random(samples, np.float32)).astype(np.float32)
    clean = drawn.random(samples) < 0.95
    metrics = [
        ("train", "loss", 0.0, 2.0 / number),
        ("train", "margin_mean", 0.0, float(margins.mean())),
    ]
    for split in ("train", "val"):
        levels = zip((0.0, 4 / 255, 8 / 255), (0.95, 0.9, 0.8), strict=True)
        metrics += [(split, "accuracy", eps, most * number / epochs) for eps, most in levels]
    grown = clean & (drawn.random(samples) < 0.7)
    return EpochRecord(number, metrics, margins, clean, grown, clean & ~grown)


def labels(samples: int) -> np.ndarray:
    """The class of each sample of ten, (samples,)."""
    return np.arange(samples) % 10


def recorder(path: Path, samples: int) -> Recorder:
    """The recorder of a run on so many training images whose store is new."""
    started = Recorder(path)
    started.start({"classes": list("0123456789")}, {"train": (labels(samples), np.arange(samples))})
    return started


def recorded(path: Path, epochs: int, samples: int) -> None:
    """Write the store of a run; raises UserError if that fails."""
    started = recorder(path, samples)
    for number in range(1, epochs + 1):
        started.epoch(epoch(number, epochs, samples))
    started.flush()
