"""Made-up verdicts, margins and adversarial examples of any number."""

from collections.abc import Sequence

import numpy as np

from smd.bench import made_up
from smd.data.images import Images
from smd.evaluation import examples
from smd.store.records import (
    AttackRecord,
    EmbeddingRecord,
    EstimateRecord,
    Margins,
    Points,
    StageRecord,
    Verdicts,
)
from smd.store.writer import Recorder
from smd.tasks.train import FINAL_STEPS
from smd.version import __version__

CREATED = 1_767_225_600.0  # 2026-01-01


def attacked(recorder: Recorder, levels: Sequence[float], split: str, labels: np.ndarray) -> None:
    """CE-PGD on a split's first images, those with these labels, at every level: each breaks some
    more, which are taken for the next class."""
    n, classes = len(labels), int(labels.max()) + 1
    strength = np.random.default_rng(n).random(n)
    for number, eps in enumerate((0.0, *levels)):
        broken = strength < 0.05 + 0.1 * number
        clean = strength < 0.05
        stage = np.where(clean, 0, np.where(broken, 1, -1)).astype(np.int16)
        stages = (
            [StageRecord("ce-pgd", int((~clean).sum()), int((stage == 1).sum()), 1.0)]
            if eps
            else []
        )
        pred = np.where(broken, (labels + 1) % classes, labels).astype(np.int16)
        distance = np.full(n, eps, np.float32)
        recorder.attack(
            _attack(split, n, eps), Verdicts(np.arange(n), ~broken, pred, distance, stage, stages)
        )


def _attack(split: str, n: int, eps: float) -> AttackRecord:
    return AttackRecord(
        id=f"{split}:{eps:.4f}",
        name="ce-pgd",
        eps=eps,
        norm="Linf",
        steps=FINAL_STEPS,
        seed=0,
        split=split,
        n=n,
        package="smd",
        version=__version__,
        seconds=1.0,
        note="",
        job=f"final-{split}",
        created=CREATED,
    )


def estimated(recorder: Recorder, n: int) -> None:
    """Margins of n test images, as a minimum-norm attack would find them."""
    margins = np.random.default_rng(n).random(n).astype(np.float32) * np.float32(made_up.FARTHEST)
    record = EstimateRecord(
        id="min-norm",
        method="min-norm",
        eps=0.0,
        norm="Linf",
        seed=0,
        split="test",
        n=n,
        package="smd",
        version=__version__,
        seconds=1.0,
        job="margins",
        created=CREATED,
    )
    recorder.estimate(record, Margins(np.arange(n), margins, np.ones(n, bool), np.ones(n, bool)))


def mapped(n: int, samples: int) -> tuple[EmbeddingRecord, Points]:
    """A map of n of the training samples: each class a cloud of its own on a circle."""
    idx, drawn = np.linspace(0, samples - 1, n).round().astype(np.int32), np.random.default_rng(n)
    label = made_up.labels(samples)[idx]
    x, y = (4 * turn(2 * np.pi * label / 10) + drawn.normal(0, 1, n) for turn in (np.cos, np.sin))
    record = EmbeddingRecord(
        id="map",
        split="train",
        n=n,
        pairs=0,
        eps=8 / 255,
        seed=0,
        package="umap-learn",
        version="0",
        seconds=1.0,
        job="map",
        created=CREATED,
    )
    on_plane = (x.astype(np.float32), y.astype(np.float32))
    return record, Points(
        idx, np.zeros(n, bool), *on_plane, label.astype(np.int16), np.ones(n, bool)
    )


def adversarial_examples(images: Images, ids: np.ndarray) -> examples.Examples:
    """Adversarial images of those training samples at 8/255."""
    n, drawn = len(ids), np.random.default_rng(0)
    noise = drawn.choice([-8 / 255, 8 / 255], (n, *images.pixels.shape[1:])).astype(np.float32)
    clean, attacked = (
        drawn.dirichlet(np.ones(len(images.classes)), n).astype(np.float16) for _ in range(2)
    )
    label = images.labels[ids % len(images.labels)]
    levels = np.full(n, 8 / 255, np.float32)
    return examples.Examples(
        "train", "ce-pgd", ids.astype(np.int32), label, levels, noise, clean, attacked, norm="Linf"
    )
