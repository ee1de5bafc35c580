"""Training as an iterator.

A contract for every defense, the schedule, exact resume in one process.
"""

import io
from functools import cache

import numpy as np
import pytest
import torch

from smd import data, registry
from smd.config.schema import TrainConfig
from smd.registry.recipes import Recipe
from smd.training.loop import checkpoint, epochs, prepare, restore

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")


def training(defense="smd", net="small-cnn", **options):
    config = TrainConfig(
        defense=defense, net=net, **{"epochs": 3, "n_train": 200, "batch": 32, **options}
    )
    return prepare(config, data.load("digits"), CPU)


def run(state, after_batch=lambda state, batches: None):
    return list(epochs(state, after_batch))


def losses(results):
    """Every epoch's loss on clean training images, or on those that the defense takes instead."""
    found = [{m.name: m.value for m in r.metrics if m.split == "train"} for r in results]
    return [means.get("loss_clean", means["loss"]) for means in found]


@cache
def whole(defense, norm="Linf"):
    """A training that nothing breaks off and what its epochs gave, for several tests."""
    state = training(defense, norm=norm)
    return state, run(state)


@pytest.mark.parametrize("defense", registry.DEFENSES)
def test_every_defense_lowers_its_loss_and_keeps_finite_state(defense):
    _, results = whole(defense)
    assert losses(results)[-1] < losses(results)[0]
    assert ("margin" in results[-1].state) == registry.DEFENSES[defense].margin
    for result in results:
        for name, values in result.state.items():
            assert values.shape[0] == 200, name
            assert np.isfinite(values).all(), name
            assert (values >= 0).all(), name


@pytest.mark.parametrize(
    ("defense", "norm"), [(d, norm) for d, e in registry.DEFENSES.items() for norm in e.norms]
)
def test_a_run_broken_off_anywhere_goes_on_to_the_same_bits(defense, norm):
    class Stop(Exception):
        pass

    undisturbed, expected = whole(defense, norm)
    first = training(defense, norm=norm)

    def stop(state, batches):
        if (state.epoch, state.batch) == (1, 3):
            raise Stop

    with pytest.raises(Stop):
        run(first, stop)
    second = training(defense, norm=norm)
    restore(second, checkpoint(first))
    rest = run(second)
    assert [r.epoch for r in rest] == [2, 3]
    for name, value in undisturbed.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name]), name
    for ours, theirs in zip(rest, expected[1:], strict=True):
        assert all(np.array_equal(ours.state[k], theirs.state[k]) for k in theirs.state)
        assert np.array_equal(ours.adv_ok, theirs.adv_ok)
        steady = ("loss", "accuracy", "gamma2", "expanded")
        values = [[m for m in r.metrics if m.name in steady] for r in (ours, theirs)]
        assert values[0] == values[1]


def test_batch_norm_resumes_exactly_too_and_through_a_file():
    class Stop(Exception):
        pass

    options = {"net": "wrn-28-4", "epochs": 1, "n_train": 24, "batch": 8}
    undisturbed, first, second = (training(**options) for _ in range(3))
    run(undisturbed)

    def stop(state, batches):
        if state.batch == 2:
            raise Stop

    with pytest.raises(Stop):
        run(first, stop)
    file = io.BytesIO()
    torch.save(checkpoint(first), file)
    file.seek(0)
    restore(second, torch.load(file, weights_only=True))
    run(second)
    for name, value in undisturbed.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name]), name


def test_different_seeds_train_different_networks():
    one, two = training(), training(seed=1)
    assert not torch.equal(one.model.head.weight, two.model.head.weight)


def test_the_schedule_is_mmas():
    recipe = Recipe()
    rates = {epoch: recipe.rate(epoch, 150) for epoch in (0, 59, 60, 89, 90, 119, 120, 149)}
    assert list(rates.values()) == pytest.approx([0.3, 0.3, 0.09, 0.09, 0.03, 0.03, 0.009, 0.009])
