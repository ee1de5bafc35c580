"""Trackers get every event once, and nothing that they do reaches the job."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from smd.config import validation
from smd.config.schema import TrainConfig
from smd.registry import sinks
from smd.runs import folders
from smd.sinks import guard, making, recording
from smd.sinks.guard import Guarded
from smd.sinks.recording import CAUTIONS, Telling
from smd.store import reader
from smd.store.records import AttackRecord, EpochRecord, EstimateRecord, Margins, Verdicts
from smd.tasks.train import train_run


class Kept:
    """A tracker in memory, which outlives the jobs that write to it."""

    def __init__(self):
        self.epochs, self.judged, self.ends, self.about = [], [], [], None

    def begin(self, about):
        self.about = about
        return max((each.epoch for each in self.epochs), default=0)

    def epoch(self, event):
        self.epochs.append(event)

    def attack(self, event):
        self.judged.append(event)

    estimate = attack

    def end(self, event):
        self.ends.append(event)


class Raising(Kept):
    def epoch(self, event):
        raise RuntimeError("the server is gone\nand more")


class Hanging(Kept):
    def __init__(self):
        super().__init__()
        self.freed = threading.Event()

    def begin(self, about):
        self.freed.wait()
        return 0


MARGINS = np.array([0.5, 8.2, 8.7, 0.0]) / 255


def record(epoch):
    ok = np.array([True, True, True, False])
    metrics = [("train", "loss", 0.0, 1 / epoch), ("val", "accuracy", 8 / 255, 0.5)]
    crossed = np.array([True, False, True, False])
    return EpochRecord(epoch, metrics, MARGINS.astype(np.float32), ok, ok, crossed)


@pytest.fixture
def run(tiny):
    made = folders.create(tiny)
    plain = recording.Recorder(made.store)
    labels = np.zeros(4, np.int64)
    plain.start({"classes": ["a", "b"]}, {"train": (labels, np.arange(4))})
    return made


def telling(run, *kept, say=lambda line: None):
    makers = {f"kept{i}": (lambda one=one: one) for i, one in enumerate(kept)}
    return Telling(run, run.config, makers, say)


def test_an_epoch_comes_by_readable_names_and_kinds_of_margins_apart():
    event = making.of_record(record(1))
    assert event.values == {
        "train/loss": 1.0,
        "val/robust accuracy at 8/255": 0.5,
        "margins/found": 2.0,
        "margins/reached": 1.0,
        "margins/misclassified": 1.0,
    }
    assert event.margins["margins found"] == making.Histogram([0, 8], [1, 1])
    assert event.margins["margins reached"] == making.Histogram([8], [1])


def test_the_store_gives_the_same_event_as_the_training(run):
    recorder = telling(run)
    for epoch in (1, 2):
        recorder.epoch(record(epoch))
    read = list(making.of_store(run.store))
    assert [each.epoch for each in read] == [1, 2]
    live = making.of_record(record(2))
    assert (read[1].values, read[1].margins) == (live.values, live.margins)
    assert [each.epoch for each in making.of_store(run.store, 2)] == [1]


@pytest.mark.parametrize("held", [0, 2, 3])
def test_after_a_kill_no_epoch_comes_twice_and_none_is_missing(run, held):
    """The store has three epochs, the tracker some of them; the checkpoint was before the third."""
    first, kept = telling(run), Kept()
    for epoch in (1, 2, 3):
        first.epoch(record(epoch))
    kept.epochs = [making.of_record(record(epoch)) for epoch in range(1, held + 1)]
    second = telling(run, kept)
    for epoch in (3, 4):
        second.epoch(record(epoch))
    second.close("finished")
    assert [each.epoch for each in kept.epochs] == [1, 2, 3, 4]
    assert [each.status for each in kept.ends] == ["finished"]
    assert "1,found,8,1\n" in kept.ends[0].tables["margins.csv"]


def test_attacks_and_estimates_come_with_the_epoch_of_the_network(run):
    kept = Kept()
    telling(run).epoch(record(1))
    later = telling(run, kept)
    ids, ok = np.arange(4), np.array([True, False, False, True])
    one = AttackRecord(
        *("a", "ce-pgd", 8 / 255, "Linf", 20, 0, "test", 4, "smd", "1", 0.1, "", "j", 5.0)
    )
    verdicts = Verdicts(ids, ok, ids, MARGINS, np.array([-1, 1, 1, -1]))
    later.attack(one, verdicts)
    later.attack(replace(one, id="b", picked=True), verdicts)  # says nothing of the split
    estimate = EstimateRecord(
        *("e", "min-norm", 0.0, "Linf", 0, "test", 4, "smd", "1", 0.1, "j", 6.0)
    )
    later.estimate(estimate, Margins(ids, MARGINS, MARGINS > 0, MARGINS > 0))
    later.close("failed")
    attack, measured = kept.judged
    name = "attack ce-pgd 20 steps seed 0/test robust accuracy at 8/255"
    assert (attack.epoch, attack.values[name]) == (1, 0.5)
    what = "estimate min-norm seed 0/test"
    assert measured.values[f"{what} median margin"] == pytest.approx(8.2 / 255)
    assert measured.values[f"{what} misclassified"] == 1
    assert kept.ends[0].status == "failed"


def test_one_that_raises_is_off_with_one_line_and_the_others_go_on(run):
    said, raising, kept = [], Raising(), Kept()
    recorder = telling(run, raising, kept, say=said.append)
    for epoch in (1, 2):
        recorder.epoch(record(epoch))
    recorder.close("finished")
    assert said == ["kept0 gets no more of this job: RuntimeError: the server is gone."]
    assert reader.meta(run.store)[CAUTIONS] == said
    assert [each.epoch for each in kept.epochs] == [1, 2]
    assert reader.last_epoch(run.store) == 2


def test_one_that_hangs_costs_a_bounded_wait_at_the_end(run):
    said, hanging = [], Hanging()
    recorder = telling(run, hanging, say=said.append)
    recorder.epoch(record(1))
    began = time.monotonic()
    recorder.close("finished", wait=0.05)
    assert time.monotonic() - began < guard.WAIT / 2
    assert said == ["kept0 gets no more of this job: it did not end in time."]
    hanging.freed.set()


def test_a_full_queue_turns_it_off():
    hanging = Hanging()
    one = Guarded(lambda: hanging, None, most=1)
    for epoch in (1, 2, 3):
        one.hand(making.of_record(record(epoch)))
    assert one.failure == "it is too slow: 1 events wait"
    hanging.freed.set()


def test_a_tracker_that_is_unknown_or_missing_is_refused_before_the_run(monkeypatch):
    assert validation.of_training(TrainConfig(log="tensorbord")) == [
        "There is no tracker 'tensorbord': choose of tensorboard, mlflow, wandb."
    ]
    monkeypatch.setattr(sinks, "find_spec", lambda name: None)
    (sentence,) = validation.of_training(TrainConfig(log=" mlflow,mlflow,"))
    assert 'pip install "smd-studio[mlflow]"' in sentence


def trained(monkeypatch, *made):
    """The weights of a training with these trackers."""
    table = {f"kept{i}": sinks.Tracker(f"kept{i}", "Kept", "", (), "") for i in range(len(made))}
    monkeypatch.setattr(recording, "SINKS", table)
    monkeypatch.setattr(sinks, "SINKS", table)
    monkeypatch.setattr(recording, "_maker", lambda name: lambda: made[int(name[-1])])
    config = TrainConfig(
        epochs=1, n_train=64, n_test=10, n_margins=0, device="cpu", log=",".join(table)
    )
    run = folders.create(config, claim=True)
    train_run(run, run.log)
    return run, load_file(run.weights)


@pytest.mark.slow
def test_a_training_is_the_same_to_the_bit_with_and_without_trackers(monkeypatch):
    kept = Kept()
    _, plain = trained(monkeypatch)
    run, told = trained(monkeypatch, kept, Raising())
    assert all(torch.equal(plain[name], told[name]) for name in plain)
    assert [each.epoch for each in kept.epochs] == [1]
    assert kept.about.config["n_train"] == "64"
    assert "commit" in kept.about.provenance
    (end,) = kept.ends
    assert "accuracies.csv" in end.tables
    assert "# " in end.card
    assert "Kept gets no more of this job: RuntimeError" in run.log.read_text()
