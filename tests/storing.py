"""Small stores for the tests of what reads and writes them."""

import numpy as np

from smd.store.writer import AttackRecord, EpochRecord, Recorder

N = 6


def started(path, classes=("cat", "dog"), n=N, patience=5.0):
    """A recorder of a run that has begun: labels alternate, sample i is row 100 + i."""
    recorder = Recorder(path, patience)
    labels = np.arange(n) % len(classes)
    train = (labels, np.arange(n) + 100)
    recorder.start({"classes": list(classes), "images": "key"}, {"train": train, "test": (labels[:4], np.arange(4))})
    return recorder


def epoch(number, margins=None, clean=None, adv=None, metrics=(("train", "loss", 0.0, 1.5),)):
    """An epoch's record; by default every sample's margin is the epoch's number in 1/255."""
    margins = np.full(N, number / 255) if margins is None else np.asarray(margins)
    flag = np.ones(len(margins), bool)
    clean_ok = flag if clean is None else np.asarray(clean)
    adv_ok = flag if adv is None else np.asarray(adv)
    return EpochRecord(number, list(metrics), margins.astype(np.float32), clean_ok, adv_ok)


def attack(recorder, name="ce-pgd", eps=8 / 255, seed=0, ok=(1, 1, 0, 0), created=1.0, **fields):
    """Record an attack on the first test samples."""
    n = len(ok)
    record = {
        "id": f"{name}:{eps:.4f}:{seed}:{created}", "name": name, "eps": eps, "norm": "Linf", "steps": 20,
        "seed": seed, "split": "test", "n": n, "package": "smd", "version": "1", "seconds": 0.5, "warnings": "",
        "job": "job", "created": created,
    }  # fmt: skip
    flags = np.asarray(ok, bool)
    verdicts = np.arange(n), flags, np.where(flags, 0, 1).astype(np.int16), np.full(n, eps, np.float32)
    recorder.attack(AttackRecord(**{**record, **fields}), *verdicts)
