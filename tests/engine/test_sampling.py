"""Class balance by sampling: what an epoch draws, and that a training tells it truthfully."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch

from smd import data
from smd.config.schema import TrainConfig
from smd.data.images import Images
from smd.tasks.epoch_lines import record_of
from smd.training import balance, loop

CPU = torch.device("cpu")
COUNTS = (20, 60, 4)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def labels_of(counts):
    every = torch.cat([torch.full((n,), k) for k, n in enumerate(counts)])
    return every[torch.randperm(len(every), generator=generator(7))]


CASES = [((20, 200), 32), ((8, 60, 60), 16), ((0, 30, 90), 7), ((3, 3, 3), 4), ((1,), 1)]


@pytest.mark.parametrize("counts, size", CASES)
def test_classes_are_drawn_equally_often_and_no_batch_has_an_image_twice(counts, size):
    labels = labels_of(counts)
    parts = balance.sampled(labels, size, generator())
    ids = torch.cat(parts)
    assert len(parts) == -(-len(labels) // size)
    assert all(len(part) == len(part.unique()) <= size for part in parts)
    draws = labels[ids].bincount(minlength=len(counts))
    each = len(labels) / (np.array(counts) > 0).sum()
    assert all(abs(int(draws[k]) - each) < 1 for k, n in enumerate(counts) if n)
    times = ids.bincount(minlength=len(labels))
    for k in labels.unique():  # in rounds: no image comes again before all others have
        own = times[labels == k]
        assert own.max() - own.min() <= 1


def test_draws_of_a_class_and_repeats_of_an_image_are_spread_over_the_epoch():
    labels = labels_of((10, 190))
    parts = balance.sampled(labels, 20, generator())
    rare = [int((labels[part] == 0).sum()) for part in parts]
    assert set(rare) == {10}  # every second draw
    dealt = torch.cat(parts)[labels[torch.cat(parts)] == 0].view(-1, 10)
    assert all(len(round.unique()) == 10 for round in dealt)


def test_a_class_smaller_than_its_share_of_a_batch_is_drawn_less_and_that_is_said():
    labels = labels_of((3, 61))
    parts = balance.sampled(labels, 16, generator())
    assert [int((labels[part] == 0).sum()) for part in parts] == [3] * 4
    assert [len(part) for part in parts] == [11] * 4
    said = balance.told(labels, parts, ("rare", "common"))
    assert "44 images, some 32 of each of 2 classes" in said
    assert "rare 12 (3 images)" in said and "common" not in said
    fair = balance.sampled(labels, 4, generator())
    assert "Fewer" not in balance.told(labels, fair, ("rare", "common"))


def test_the_order_is_the_seed_s_and_the_epoch_s_alone():
    config = TrainConfig("digits", balance="sampling", batch=8)
    labels = labels_of(COUNTS)
    one, same, other = (torch.cat(loop.parts_of(config, labels, k)) for k in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    seeded = torch.cat(loop.parts_of(replace(config, seed=1), labels, 0))
    assert not torch.equal(one, seeded)


@pytest.fixture
def training(monkeypatch):
    """Makes runs on digits of two classes, of the second of which there are few."""
    digits = data.load("digits")
    rows = np.concatenate([np.flatnonzero(digits.labels == k)[:n] for k, n in enumerate((60, 12))])
    labels = digits.labels[rows]
    images = Images(
        *("digits", digits.key, ("0", "1"), digits.pixels[rows], labels),
        np.zeros(len(rows), np.uint8),
    )
    monkeypatch.setattr(loop, "robust_accuracies", lambda *about: [])
    common = {"net": "small-cnn", "epochs": 2, "batch": 16, "balance": "sampling"}

    def make(defense):
        return loop.prepare(TrainConfig("digits", defense=defense, **common), images, CPU)

    return make


def ran(training, stop_at=None):
    """Results of its epochs; broken off after that many batches of the second one."""
    results = []

    def after(state, batches):
        if (state.epoch, state.batch) == (1, stop_at):
            raise InterruptedError

    with suppress(InterruptedError):
        results.extend(loop.epochs(training, after))
    return results


@pytest.mark.parametrize("defense", ["smd", "gairat"])
def test_broken_off_and_resumed_it_is_bit_for_bit_the_same(training, defense):
    whole, first, again = training(defense), training(defense), training(defense)
    results = ran(whole)
    ran(first, stop_at=2)
    loop.restore(again, loop.checkpoint(first))
    assert again.stats.draws == 32
    resumed = ran(again)
    for mine, other in zip(results[1:], resumed, strict=True):
        timed = ("seconds", "samples_per_s", "finished_at")
        assert [m for m in mine.metrics if m.name not in timed] == [
            m for m in other.metrics if m.name not in timed
        ]
        assert (mine.drawn == other.drawn).all()
    expected, found = whole.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert all(torch.equal(whole.state[name], again.state[name]) for name in whole.state)


@pytest.mark.parametrize("defense", ["smd", "gairat"])
def test_an_epoch_tells_of_what_it_has_drawn_alone_and_leaves_the_rest_as_it_was(training, defense):
    run = training(defense)
    name = "margin" if defense == "smd" else "kappa"
    before = run.state[name].clone().numpy()
    n, labels = run.info.n, run.sets.train.labels
    for result in ran(run):
        ids = torch.cat(loop.parts_of(run.config, labels, result.epoch - 1))
        drawn = ids.unique().numpy()
        assert (np.flatnonzero(result.drawn) == drawn).all() and len(drawn) < n
        metric = {m.name: m.value for m in result.metrics}
        assert (metric["drawn"], metric["draws"]) == (len(drawn), len(ids))
        rest = ~result.drawn
        assert (result.state[name][rest] == before[rest]).all()
        before = result.state[name]
        record = record_of(result)
        assert (record.idx == drawn).all()
        if defense == "smd":
            right = result.clean_ok[drawn]
            assert metric["misclassified"] == (~right).sum()
            assert metric["accuracy"] == pytest.approx(right.mean())
            moved = metric["expanded"] + metric["shrunk"]
            assert moved + metric["misclassified"] == len(drawn)
            assert (record.margins == before[drawn]).all() and (record.clean_ok == right).all()
        else:
            assert record.margins is None and (record.states[name] == before[drawn]).all()
