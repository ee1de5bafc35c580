"""Runs that were never trained, with all that a report tells in their stores."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import duckdb
import numpy as np
from storing import attack, epoch, estimate

from smd.config import schema as configs
from smd.config.schema import TrainConfig
from smd.data.images import Images
from smd.jobs import kinds, transitions
from smd.paths import runs_root
from smd.runs import folders
from smd.store.writer import Recorder

HOSTILE = "<script>alert(1)</script>\"'&"  # a class
EVIL = 'x/"><img src=http://evil.invalid/a.png onerror=alert(1)>/\x1b[31m.png'  # a file
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1])
WRONG = np.where(LABELS == 1, 2, 1)  # what they are taken for where the network is fooled
VOID = {"meta", "img", "wbr", "br"}


class Page(HTMLParser):
    """What a page is made of; raises AssertionError where tags do not close in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.headings, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "title"} & set(self.open):
            self.words.append(data)
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            self.headings.append(int(self.open[-1][1]))

    @property
    def text(self):
        """All that a reader sees, with single spaces."""
        return " ".join(" ".join(self.words).split())

    def named(self, tag):
        """The attributes of every such tag."""
        return [attrs for name, attrs in self.tags if name == tag]


def images(shape=(1, 8, 8), n=8):
    """Images of the run below, of that shape."""
    pixels = (np.arange(n * np.prod(shape)) % 251).astype(np.uint8).reshape(n, *shape)
    labels = np.resize(LABELS, n)
    return Images("folder", "key", ("a", "b", "c"), pixels, labels, np.zeros(n, np.uint8))


def queued(config):
    """A run that waits for its turn; of its code and packages is known what stands here."""
    name = f"run-{len(folders.all_runs())}"
    run = folders.Run(name, runs_root() / name)
    files = {
        "config.json": configs.to_json(config),
        "provenance.json": {"packages": {"torch": "9.9"}, "python": "3", "processor": "fast"},
    }
    transitions.create(run.folder, kinds.of_config(config).name, "cpu", files)
    return run


def begun(classes=("cat", HOSTILE, "dog"), config=None, names=(), **said):
    """A run with images in each split, and a recorder of it; rows in the cache are the ids."""
    secret = "/home/somebody/secret"
    usual = TrainConfig(
        data="folder", data_path=f"{secret}/set.zip", labels=f"{secret}/table.csv", epochs=2
    )
    run = queued(config or usual)
    recorder = Recorder(run.store)
    ids = np.arange(len(LABELS))
    about = {"data": "folder", "classes": list(classes), "images": "key", "shape": [1, 8, 8]}
    about |= {"content": "c0ffee", "parameters": 1234, "device": "cpu"} | said
    recorder.start(about, dict.fromkeys(("train", "val", "test"), (LABELS, ids)), names)
    return run, recorder


def judged(recorder):
    """CE-PGD on all test images at two levels with two seeds, AutoAttack at one, with a flag."""
    for name, steps, seeds in (("ce-pgd", 20, (0, 1)), ("autoattack", 0, (0,))):
        about = {"name": name, "steps": steps, "job": name, "labels": LABELS, "wrong": WRONG}
        attack(recorder, eps=0.0, ok=(1, 1, 1, 1, 1, 1, 0, 1), **about)
        for seed in seeds:
            attack(recorder, eps=2 / 255, seed=seed, ok=(1, 1, 1, 1, 1, 1, 0, seed), **about)
            flags = {"square": "3 points"} if name == "autoattack" else None
            ok = (1, 0, 1, 1, 1, 0, 0, 0)
            attack(recorder, eps=8 / 255, seed=seed, ok=ok, flags=flags, **about)


def full(**said):
    """A run with everything: epochs, attacks, an estimate, patients and groups."""
    names = [EVIL, *(f"set/test/{k}.png" for k in range(1, len(LABELS)))]
    run, recorder = begun(names=names, **said)
    for number in (1, 2):
        metrics = [("val", "accuracy", eps, 0.25 * number) for eps in (0.0, 8 / 255)]
        record = epoch(number, metrics=[*metrics, ("train", "seconds", 0.0, 61.0)])
        recorder.epoch(replace(record, margins=None, clean_ok=None, adv_ok=None, crossed=None))
    judged(recorder)
    clean = np.arange(8) != 6
    crossed = np.arange(8) != 3
    margins = (9, 3, 20, 40, 7.5, 1.25, 0, 5)
    estimate(recorder, margins, "min-norm", 0.0, "test", clean=clean, crossed=crossed & clean)
    recorder.flush()
    return run


def facts(store, patients=(), groups=()):
    """What a table of labels says: a patient an image of the test split, groups (idx, name,
    value)."""
    with duckdb.connect(str(store)) as con:
        for idx, patient in enumerate(patients):
            con.execute("UPDATE sample SET patient = ? WHERE idx = ?", [patient, idx])
        for row in groups:
            con.execute("INSERT INTO sample_group VALUES ('test', ?, ?, ?)", list(row))
