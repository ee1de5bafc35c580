"""A folder of many finished runs, one of them long, by the product's own writers, untrained.

All small runs share their store's content and their weights: made once, copied into each.
"""

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from smd import data, nets
from smd.bench import made_up, verdicts
from smd.config import schema as configs
from smd.config.schema import TrainConfig
from smd.data import cache
from smd.data.images import Images
from smd.evaluation import examples
from smd.jobs import transitions
from smd.jobs.session import session
from smd.runs.folders import Run
from smd.runs.provenance import provenance
from smd.store import connection
from smd.store.writer import Recorder
from smd.tasks.files import save_weights
from smd.tasks.train import FINAL_IMAGES
from smd.tasks.worth_seeing import FINAL_EXAMPLES

MOST_POINTS = 10_000  # of a map
SMALL_EPOCHS, SMALL_SAMPLES = 25, 1294  # of a run on the digits
# 2026-01-01, when the first run was made, in its id; the others follow by the minute
FIRST = 1_767_225_600


def environment(root: Path) -> dict[str, str]:
    """Where a process finds these runs and their images, and that their stores are its own."""
    places = {"SMD_RUNS": root, "SMD_CACHE": root / ".cache", "SMD_STATE": root / ".state"}
    return {name: str(place) for name, place in places.items()}


def fill(root: Path, runs: int, epochs: int, samples: int) -> None:
    """Make so many finished runs.

    The newest of these epochs on as many samples, the others on the digits.

    The small ones have SMALL_EPOCHS and SMALL_SAMPLES, or less where the long one has.
    """
    with _at_rest(root):
        small = TrainConfig(epochs=min(SMALL_EPOCHS, epochs))
        made = _made(root / ".small", small, min(SMALL_SAMPLES, samples), data.load("digits"))
        about = provenance()
        for seed in range(runs - 1):
            _finished(root, seed, TrainConfig(epochs=small.epochs, seed=seed), made, about)
        long = TrainConfig(data="fashion-mnist", epochs=epochs)
        _finished(root, runs, long, _made(root / ".long", long, samples, enlarged()), about)
        for folder in (".small", ".long"):
            shutil.rmtree(root / folder)


@contextmanager
def _at_rest(root: Path) -> Iterator[None]:
    """Meanwhile this process looks for runs and images there."""
    there = environment(root)
    before = {name: os.environ.get(name) for name in there}
    os.environ.update(there)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({name: value} if value is not None else {})


def enlarged() -> Images:
    """The digits at 28x28, which stand in for Fashion-MNIST's images."""
    digits = data.load("digits")

    def make(folder: Path) -> cache.Imported:
        pixels = cache.allocate(folder, (len(digits.labels), 1, 28, 28))
        pixels[:] = np.kron(digits.pixels, np.ones((4, 4), np.uint8))[..., 2:30, 2:30]
        return cache.Imported(digits.classes, pixels, digits.labels, digits.split)

    return cache.fetch("enlarged-digits", {"from": digits.key}, make)


def _made(folder: Path, config: TrainConfig, samples: int, images: Images) -> Run:
    """A run's store, weights and adversarial images, in a folder that is none yet."""
    folder.mkdir(parents=True)
    run = Run(folder.name, folder)
    counts = {"train": samples, "val": max(1, samples // 9), "test": max(1, samples // 6)}
    recorder = Recorder(run.store)
    recorder.start(*_described(images, counts))
    for number in range(1, config.epochs + 1):
        record = made_up.epoch(number, config.epochs, samples)
        recorder.epoch(record)
    labels = {split: images.labels[rows] for split, rows in _rows(images, counts).items()}
    verdicts.attacked(recorder, config.levels, "test", labels["test"][:FINAL_IMAGES])
    verdicts.attacked(recorder, config.levels, "train", labels["train"])
    verdicts.estimated(recorder, min(FINAL_IMAGES, counts["test"]))
    recorder.embedding(*verdicts.mapped(min(MOST_POINTS, samples), samples))
    recorder.flush()
    assert record.margins is not None
    examples.write(
        run.adv / "final-train_8-255_0.npz",
        verdicts.adversarial_examples(images, record.margins.argsort()[:FINAL_EXAMPLES]),
    )
    save_weights(run.weights, nets.build(config.net, images.shape, len(images.classes)), {})
    return run


def _described(images: Images, counts: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a recorder starts with: the run's description and its samples, whose images repeat."""
    meta = {"images": images.key, "classes": list(images.classes), "shape": list(images.shape)}
    rows = _rows(images, counts)
    return meta, {split: (images.labels[r], r) for split, r in rows.items()}


def _rows(images: Images, counts: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Which image each sample of a split is."""
    return {split: np.arange(count) % len(images.labels) for split, count in counts.items()}


def _finished(
    root: Path, number: int, config: TrainConfig, made: Run, about: dict[str, Any]
) -> None:
    """A run of that config, from its queue to its end, with what was made for it."""
    when = time.strftime("%Y%m%d-%H%M%S", time.gmtime(FIRST + 60 * number))
    run = Run(name := f"{when}-{config.data}-{config.defense}-{number:04x}", root / name)
    files = {"config.json": configs.to_json(config), "provenance.json": about}
    transitions.create(run.folder, "train", "cpu", files, claim=True)
    with session(run.folder, "cpu") as current:
        shutil.copytree(made.folder, run.folder, dirs_exist_ok=True)
        with connection.writing(run.store):  # as after a training: no store of a stranger's
            pass
        current.report(done=config.epochs, total=config.epochs)
