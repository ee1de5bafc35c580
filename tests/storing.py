"""Small stores for the tests of what reads and writes them."""

import numpy as np

from smd.store.records import (
    AttackRecord,
    EpochRecord,
    EstimateRecord,
    Margins,
    StageRecord,
    Verdicts,
)
from smd.store.writer import Recorder

N = 6


def started(path, classes=("cat", "dog"), n=N, patience=5.0):
    """A recorder of a run that has begun: labels alternate, sample i is row 100 + i."""
    recorder = Recorder(path, patience)
    labels = np.arange(n) % len(classes)
    train = (labels, np.arange(n) + 100)
    recorder.start(
        {"classes": list(classes), "images": "key"},
        {"train": train, "test": (labels[:4], np.arange(4))},
    )
    return recorder


def epoch(
    number, margins=None, clean=None, adv=None, metrics=(("train", "loss", 0.0, 1.5),), states=None
):
    """An epoch's record; by default every sample's margin is the epoch's number in 1/255."""
    margins = np.full(N, number / 255) if margins is None else np.asarray(margins)
    flag = np.ones(len(margins), bool)
    clean_ok = flag if clean is None else np.asarray(clean)
    adv_ok = flag if adv is None else np.asarray(adv)
    crossed = clean_ok & ~adv_ok
    return EpochRecord(
        number, list(metrics), margins.astype(np.float32), clean_ok, adv_ok, crossed, states or {}
    )


def attack(
    recorder,
    name="ce-pgd",
    eps=8 / 255,
    seed=0,
    ok=(1, 1, 0, 0),
    created=1.0,
    stage=(),
    stages=(),
    flags=None,
    labels=0,
    wrong=1,
    distance=None,
    **fields,
):
    """Record an attack on the first test samples; without stages all that are broken fell to the
    first. labels, wrong: the classes that the others and that broken ones are taken for; distance:
    of broken ones, by default eps."""
    n = len(ok)
    record = {
        "id": f"{name}:{eps:.4f}:{seed}:{created}",
        "name": name,
        "eps": eps,
        "norm": "Linf",
        "steps": 20,
        "seed": seed,
        "split": "test",
        "n": n,
        "package": "smd",
        "version": "1",
        "seconds": 0.5,
        "note": "",
        "job": "job",
        "created": created,
    }
    right = np.asarray(ok, bool)
    broken = np.asarray(stage) if len(stage) else np.where(right, -1, 1 if eps else 0)
    names = stages or ([name] if eps else [])
    parts = [
        StageRecord(each, n, int((broken == k).sum()), 0.1) for k, each in enumerate(names, start=1)
    ]
    pred = np.where(right, labels, wrong).astype(np.int16)
    far = np.full(n, eps if distance is None else distance, np.float32)
    verdicts = Verdicts(np.arange(n), right, pred, far, broken, parts, flags or {})
    recorder.attack(AttackRecord(**{**record, **fields}), verdicts)


def estimate(
    recorder,
    margins,
    method="pgd",
    eps=8 / 255,
    split="train",
    created=1.0,
    clean=None,
    crossed=None,
    norm="Linf",
    weights="last",
):
    """Record estimated margins, in 1/255, of the first samples."""
    n = len(margins)
    record = EstimateRecord(
        f"{method}:{eps:.4f}:{created}",
        method,
        eps,
        norm,
        0,
        split,
        n,
        "smd",
        "1",
        0.5,
        "job",
        created,
        weights,
    )
    flags = np.ones(n, bool)
    values = np.asarray(margins, np.float32) / 255
    clean, crossed = (
        flags if given is None else np.asarray(given, bool) for given in (clean, crossed)
    )
    recorder.estimate(record, Margins(np.arange(n), values, clean, crossed))
    return record.id
