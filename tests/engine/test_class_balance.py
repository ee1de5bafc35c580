"""A training with balance: which weights its steps are given."""

from dataclasses import replace

import pytest
import torch

from smd import data
from smd.config.schema import TrainConfig
from smd.training import loop

CPU = torch.device("cpu")


@pytest.mark.parametrize("balance", ["none", "loss"])
def test_every_step_weighs_its_images_by_their_class(balance, monkeypatch):
    config = TrainConfig("digits", defense="std", epochs=1, batch=16, n_train=48)
    training = loop.prepare(replace(config, balance=balance), data.load("digits"), CPU)
    given = []
    step = type(training.defense).step

    def watched(self, model, batch, state, context):
        given.append((batch.y, batch.weight))
        return step(self, model, batch, state, context)

    monkeypatch.setattr(type(training.defense), "step", watched)
    monkeypatch.setattr(loop, "robust_accuracies", lambda *about: [])
    next(loop.epochs(training, lambda state, batches: None))
    assert len(given) == 3
    if balance == "none":
        assert {weight for _, weight in given} == {None}
        return
    labels = torch.cat([y for y, _ in given])
    weights = torch.cat([weight for _, weight in given])
    sums = [float(weights[labels == k].sum()) for k in labels.unique()]
    assert sums == pytest.approx([48 / len(sums)] * len(sums))
