"""Pressure on the boundary and what follows.

The correlation, and that it finds nothing where nothing happens.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from smd import data
from smd.analysis import forces
from smd.config.schema import TrainConfig
from smd.data.batches import in_order
from smd.defenses import StepContext, build
from smd.training.loop import prepare

EPOCHS, CLASSES = 20, 8


def counts(seed, force=0.0, epochs=EPOCHS, classes=CLASSES):
    """Classes of different sizes whose pressures wander: found, repeated, surplus; held by pressure
    times `force`."""
    draw = np.random.default_rng(seed)
    course = np.cumsum(draw.normal(0, 0.3, (epochs, classes)), axis=0) + draw.normal(
        0, 0.5, classes
    )
    found = draw.poisson(np.exp(2.5 + course.clip(-2, 1.5))) + 1.0
    pressure = forces.relative(found)
    usual = draw.uniform(0.4, 0.8, classes)
    share = (usual + force * (pressure - pressure.mean(0))).clip(0, 1)
    return found, found, draw.binomial(found.astype(int), share) - usual * found


def test_what_is_usual_for_class_and_epoch_is_taken_off():
    usual = np.arange(5)[:, None] * 2.0 + np.array([1.0, -4, 0])
    weight = np.array([[1.0, 2, 3]] * 4 + [[5, 0, 1]])
    assert np.abs(forces.usual_off(usual, weight)[weight > 0]).max() < 1e-3
    extra = usual.copy()
    extra[2, 1] += 9
    rest = forces.usual_off(extra, weight)
    assert np.unravel_index(rest.argmax(), rest.shape) == (2, 1)
    assert (weight * rest).sum(0) == pytest.approx([0, 0, 0], abs=1e-2)


@pytest.mark.slow
def test_independent_classes_give_evidence_no_more_often_than_the_band_says(monkeypatch):
    monkeypatch.setattr(forces, "SHIFTS", 199)
    signs = [forces.link(*counts(seed)).sign for seed in range(100)]
    assert np.mean(np.abs(signs)) <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_force_is_seen_on_its_side(monkeypatch, sign):
    monkeypatch.setattr(forces, "SHIFTS", 199)
    assert [forces.link(*counts(seed, sign * 0.2)).sign for seed in range(8)] == [sign] * 8


def test_the_same_run_says_the_same_and_counts_its_images():
    found, repeated, surplus = counts(0)
    one, two = (forces.link(found, repeated - 1, surplus) for _ in range(2))
    assert (one.r, one.low, one.high, one.n) == (two.r, two.low, two.high, (repeated - 1).sum())
    assert one.low < 0 < one.high


def test_cells_without_images_say_nothing_and_spoil_nothing():
    found, repeated, surplus = (table.copy() for table in counts(1))
    repeated[3, 2] = surplus[3, 2] = 0
    link = forces.link(found, repeated, surplus)
    assert np.isnan(link.held[3, 2])
    assert np.isfinite(link.held).sum() == link.held.size - 1
    assert np.isfinite([link.r, link.low, link.high]).all()


def test_where_nothing_varies_there_is_no_correlation_and_no_evidence():
    even = np.full((6, 3), 5.0)
    link = forces.link(even, even, even)
    assert np.isnan(link.r)
    assert link.sign == 0
    alone = forces.link(*[even[:, :1]] * 3)  # a single class
    assert np.isnan(alone.r)
    assert alone.sign == 0


def test_classes_that_press_alike_are_even_but_for_chance():
    draw = np.random.default_rng(0)
    alike = draw.poisson(6, (200, 10)) + 0.0
    alike = alike[alike.sum(1) > 0]
    assert np.sqrt(forces.relative(alike).var(1, ddof=1).mean()) > 0.35  # chance alone
    assert forces.unevenness(alike) < 0.12
    uneven = draw.poisson(6 * np.linspace(0.2, 1.8, 10), (200, 10)) + 0.0
    assert forces.unevenness(uneven) == pytest.approx(
        np.linspace(0.2, 1.8, 10).std(ddof=1), abs=0.05
    )


class Frozen(torch.nn.Module):
    """A classifier that no step trains; its logits get biases, so that boundaries can be moved on
    purpose."""

    def __init__(self, model, classes):
        super().__init__()
        self.model, self.bias = model, torch.zeros(classes)

    def forward(self, x):
        return self.model(x) + self.bias


@pytest.fixture(scope="module")
def trained():
    """A run on the digits after a few epochs of standard training."""
    from smd.training.loop import epochs

    run = prepare(
        TrainConfig(defense="std", epochs=4, n_train=500, device="cpu"),
        data.load("digits"),
        torch.device("cpu"),
    )
    list(epochs(run, lambda *_: None))
    return run


def explored(run, pushed=0.0, epochs=20):
    """SMD's own steps on fixed weights, as reader.at_boundary counts them.

    Found, repeated, surplus (T, K).

    pushed: how far a class's logit rises after an epoch for each unit of its relative pressure
    beyond 1.
    """
    classes, info = len(run.sets.classes), replace(run.info, epochs=epochs)
    model, defense, labels = (
        Frozen(run.model, classes),
        build("smd", {}),
        run.sets.train.labels.numpy(),
    )
    state, clean, crossed = defense.begin(info), [], []
    for epoch in range(epochs):
        reports = [
            defense.step(model, batch, state, StepContext(info, epoch, torch.Generator()))
            for batch in in_order(run.sets.train, 250, info.n)
        ]
        clean.append(torch.cat([report.clean_ok for report in reports]).numpy())
        crossed.append(torch.cat([report.crossed for report in reports]).numpy())
        press = np.bincount(labels[crossed[-1]], minlength=classes)
        if press.any():
            push = pushed * np.clip(press / press.mean() - 1, -1, 1)
            model.bias = model.bias + torch.tensor(push, dtype=torch.float32)
    met, held = np.array(crossed[:-1]), np.array(clean[1:]) & ~np.array(crossed[1:])
    return summed_up(met, held, labels, classes)


def summed_up(met, held, labels, classes):
    """met, held: (T, N) bool -> found, repeated, surplus, each (T, K), without epochs in which
    nobody met it."""
    times = met.sum(0)
    usual = (met & held).sum(0) / np.maximum(times, 1)
    twice = met & (times > 1)
    own = np.eye(classes)[labels]
    some = met.any(1)
    return tuple(
        (values @ own)[some] for values in (met * 1.0, twice * 1.0, twice * (held - usual))
    )


@pytest.mark.slow
def test_on_a_network_that_does_not_change_there_is_no_evidence(trained):
    link = forces.link(*explored(trained))
    assert link.n > 10 * forces.FEWEST_IMAGES
    assert link.sign == 0


@pytest.mark.slow
def test_boundaries_that_give_way_to_pressure_are_seen(trained):
    assert forces.link(*explored(trained, pushed=0.5)).sign == 1


def literally(found, repeated, surplus, seed=0):
    """r and those of the shifted series, one after the other."""
    pressure, weight = forces.relative(found), repeated
    share = np.divide(surplus, repeated, out=np.zeros_like(surplus), where=repeated > 0)
    share, draw = forces.usual_off(share, weight), np.random.default_rng(seed)
    epochs, classes = pressure.shape

    def correlation(series):
        rest = forces.usual_off(series, weight)
        spread = np.sqrt((weight * rest**2).sum() * (weight * share**2).sum())
        return (weight * rest * share).sum() / spread

    null = []
    for _ in range(forces.SHIFTS):
        by = draw.integers(0, epochs, classes)
        moved = [np.roll(pressure[:, k], by[k]) for k in range(classes)]
        null.append(correlation(np.stack(moved, axis=1)))
    return correlation(pressure), *np.quantile(null, (0.025, 0.975))


@pytest.mark.parametrize("at_once", [1, 1000, 2_000_000])
def test_all_shifts_at_once_are_what_each_is_by_itself(monkeypatch, at_once):
    monkeypatch.setattr(forces, "SHIFTS", 99)
    monkeypatch.setattr(forces, "MOST", at_once)
    found, repeated, surplus = (table.copy() for table in counts(2))
    repeated[3, 2] = surplus[3, 2] = 0
    repeated[5] = surplus[5] = 0  # an epoch without any
    link = forces.link(found, repeated, surplus)
    assert (link.r, link.low, link.high) == pytest.approx(literally(found, repeated, surplus))
