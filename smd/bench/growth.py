"""What twice as much costs: samples, epochs and classes, each against the next size up."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from smd import data
from smd.attacks.ce_pgd import CePgd
from smd.bench import made_up
from smd.bench.part import Part, Row
from smd.bench.timing import interleaved
from smd.config.schema import TrainConfig
from smd.data.batches import OnDevice, Rows
from smd.evaluation.evaluate import Target, Task, evaluate_level
from smd.store import reader
from smd.training.loop import epochs, prepare

REPETITIONS = 3


@dataclass(frozen=True)
class Sizes:
    """The smaller of each two."""

    samples: int  # of a store
    epochs: int
    read: int  # queries a round: one alone is over too soon
    n_train: int  # digits to train on
    train_epochs: int
    batch: int  # of the made-up images with many classes
    size: int  # their pixels a side
    evaluated: int


FULL = Sizes(30_000, 10, 10, 600, 4, 128, 28, 256)
QUICK = Sizes(100, 2, 2, 60, 1, 8, 8, 8)


@dataclass(frozen=True)
class Pair:
    """The same work at two sizes."""

    what: str
    before: str
    after: str
    proportional: int  # as many times as much
    work: tuple[Callable[[], object], Callable[[], object]]


def measure(quick: bool) -> Part:
    """A row for each kind of work and each size that grows."""
    sizes, repetitions = (QUICK, 1) if quick else (FULL, REPETITIONS)
    with TemporaryDirectory() as folder:
        pairs = [*_stores(Path(folder), sizes), *_trainings(sizes), *_classes(sizes)]
        rows = [_row(pair, *interleaved(pair.work, repetitions)) for pair in pairs]
    note = (
        "proportional is how many times as long it would take if each sample, epoch or class cost"
        f" the same. Reading is {sizes.read} queries. Digits are trained with the quick attacks"
        " after every epoch; a network that gets more images right explores more of them."
    )
    return Part("growth", "Cost against size", rows, note)


def _row(pair: Pair, before: float, after: float) -> Row:
    return {
        "what": pair.what,
        "from": pair.before,
        "to": pair.after,
        "seconds_before": before,
        "seconds_after": after,
        "ratio": after / before,
        "proportional": pair.proportional,
    }


def _stores(folder: Path, sizes: Sizes) -> list[Pair]:
    """Writing a run, and reading an epoch or a sample of it."""
    n, e = sizes.samples, sizes.epochs
    shapes = {"once": (e, n), "samples": (e, 2 * n), "epochs": (2 * e, n)}
    for name, shape in shapes.items():
        made_up.recorded(folder / f"{name}.duckdb", *shape)
    written = {
        name: partial(_write, folder / "again.duckdb", *shape) for name, shape in shapes.items()
    }
    stored = {name: folder / f"{name}.duckdb" for name in shapes}
    margins = {
        name: partial(_often, sizes.read, partial(reader.margins, path, 1))
        for name, path in stored.items()
    }
    history = {
        name: partial(_often, sizes.read, partial(reader.sample_history, path, n // 2))
        for name, path in stored.items()
    }
    samples, longer = (f"{n:,} samples", f"{2 * n:,} samples"), (f"{e} epochs", f"{2 * e} epochs")
    return [
        Pair("write a store, samples", *samples, 2, (written["once"], written["samples"])),
        Pair("write a store, epochs", *longer, 2, (written["once"], written["epochs"])),
        Pair(
            "read an epoch's margins, samples", *samples, 2, (margins["once"], margins["samples"])
        ),
        Pair("read an epoch's margins, epochs", *longer, 2, (margins["once"], margins["epochs"])),
        Pair(
            "read a sample's history, samples", *samples, 2, (history["once"], history["samples"])
        ),
        Pair("read a sample's history, epochs", *longer, 2, (history["once"], history["epochs"])),
    ]


def _write(path: Path, epochs: int, samples: int) -> None:
    path.unlink(missing_ok=True)
    made_up.recorded(path, epochs, samples)


def _often(times: int, query: Callable[[], object]) -> None:
    for _ in range(times):
        query()


def _trainings(sizes: Sizes) -> list[Pair]:
    """SMD on the digits, for real."""
    n, e = sizes.n_train, sizes.train_epochs
    once = partial(_train, n, e)
    return [
        Pair(
            "train on digits, samples",
            f"{n} samples",
            f"{2 * n} samples",
            2,
            (once, partial(_train, 2 * n, e)),
        ),
        Pair(
            "train on digits, epochs",
            f"{e} epochs",
            f"{2 * e} epochs",
            2,
            (once, partial(_train, n, 2 * e)),
        ),
    ]


def _train(n_train: int, count: int) -> None:
    config = TrainConfig(epochs=count, n_train=n_train)
    training = prepare(config, data.load(config.data), torch.device("cpu"))
    for _ in epochs(training, lambda state, batches: None):
        pass


def _classes(sizes: Sizes) -> list[Pair]:
    """A step, and evaluation with CE-PGD, on made-up images of ten and of a hundred classes."""
    ten, hundred = (
        partial(made_up.stepper, "small-cnn", channels=1, size=sizes.size, classes=k)
        for k in (10, 100)
    )
    said = ("10 classes", "100 classes", 10)
    steps = (ten(sizes.batch).step, hundred(sizes.batch).step)
    evaluations = (_evaluation(ten(sizes.evaluated)), _evaluation(hundred(sizes.evaluated)))
    return [
        Pair("one SMD step, classes", *said, steps),
        Pair("CE-PGD with 20 steps, classes", *said, evaluations),
    ]


def _first(rows: Rows, n: int) -> torch.Tensor:
    """The pixels of the first n samples, (n, C, H, W) uint8."""
    return torch.from_numpy(rows.pixels_of(torch.arange(n)))


def _evaluation(ready: made_up.Stepper) -> Callable[[], object]:
    """Evaluating the batch, all of which the network classifies correctly."""
    n, training = len(ready.batch.y), ready.training
    points = OnDevice(_first(training.sets.train, n), ready.batch.y)
    plan = CePgd(20).plan(len(training.sets.classes))
    return partial(
        evaluate_level, Target(training.model, points), Task(torch.arange(n), plan, 8 / 255, 0, n)
    )
