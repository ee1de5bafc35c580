"""Averaged weights: their decay, their statistics, and that a run which was broken off keeps on."""

import copy
import io
import math

import pytest
import torch
from torch import nn

from smd import data
from smd.config.schema import TrainConfig
from smd.nets.normalized import Normalized
from smd.tasks.averaged import averaged_network
from smd.training import averaging
from smd.training.checkpoints import misfit
from smd.training.loop import checkpoint, epochs, prepare, restore

CPU = torch.device("cpu")


class Stop(Exception):
    pass


def training(**options):
    config = TrainConfig(
        net="small-cnn", **{"defense": "std", "epochs": 2, "n_train": 100, "batch": 32, **options}
    )
    return prepare(config, data.load("digits"), CPU)


def broken_off(state, at):
    def stop(state, batches):
        if (state.epoch, state.batch) == at:
            raise Stop

    with pytest.raises(Stop):
        list(epochs(state, stop))
    file = io.BytesIO()
    torch.save(checkpoint(state), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def run(state):
    list(epochs(state, lambda state, batches: None))
    return state


def test_the_decay_rises_to_its_last_value_and_forgets_the_beginning_of_a_short_run():
    assert averaging.decay_at(0) == pytest.approx(0.1)
    assert averaging.decay_at(90) == pytest.approx(0.91)
    assert averaging.decay_at(10**6) == averaging.DECAY
    left = math.prod(averaging.decay_at(step) for step in range(1, 100))
    assert left < 1e-9  # of the first weights; a constant 0.999 would leave 90 %
    assert averaging.DECAY**99 > 0.9


def test_the_average_is_that_of_its_definition():
    model = nn.Linear(1, 1, bias=False)
    averaged, expected = averaging.begin(model), 0.0
    for step in range(5):
        with torch.no_grad():
            model.weight.fill_(float(step**2))
        averaging.update(averaged, model)
        decay = averaging.decay_at(step) if step else 0.0
        expected = decay * expected + (1 - decay) * step**2
    assert float(averaging.weights(averaged)["weight"]) == pytest.approx(expected)


def test_averaging_changes_no_step():
    plain, both = run(training(defense="smd")), run(training(defense="smd", average="ema"))
    assert plain.averaged is None
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, both.model.state_dict()[name]), name
    assert torch.equal(plain.state["margin"], both.state["margin"])
    other = averaging.weights(both.averaged)
    assert not torch.equal(other["head.weight"], both.model.head.weight)


@pytest.mark.parametrize("recipe", ["common", "finetune-adamw"])
def test_a_run_broken_off_goes_on_to_the_same_bits(recipe):
    options = {"average": "ema", "recipe": recipe}
    whole, second = run(training(**options)), training(**options)
    saved = broken_off(training(**options), (1, 2))
    assert misfit(second, saved) == ""
    restore(second, saved)
    run(second)
    for one, two in ((whole.model, second.model), (whole.averaged, second.averaged)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, two.state_dict()[name]), name
    ours, theirs = averaged_network(whole), averaged_network(second)
    for name, value in ours.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[name]), name


def change(*path, value):
    def act(saved):
        *around, last = path
        for name in around:
            saved = saved[name]
        saved[last] = value(saved[last]) if callable(value) else value

    return act


AVERAGE = {
    "none": change("averaged", value=None),
    "a list": change("averaged", value=[1]),
    "a weight less": lambda saved: saved["averaged"].pop("module.head.bias"),
    "NaN": lambda saved: saved["averaged"]["module.head.bias"].fill_(math.nan),
    "steps": lambda saved: saved["averaged"]["n_averaged"].fill_(-3),
}
ADAMW = {
    "no step": lambda saved: saved["optimizer"]["state"][0].pop("step"),
    "no moment": lambda saved: saved["optimizer"]["state"][0].pop("exp_avg"),
    "step of many numbers": change("optimizer", "state", 0, "step", value=torch.ones(2)),
    "step 0": change("optimizer", "state", 0, "step", value=torch.tensor(0.0)),
    "step not finite": change("optimizer", "state", 0, "step", value=torch.tensor(math.inf)),
    "another shape": change("optimizer", "state", 0, "exp_avg", value=torch.zeros(1)),
    "negative": lambda saved: saved["optimizer"]["state"][0]["exp_avg_sq"].fill_(-1),
    "SGD's": change("optimizer", "state", 0, value=lambda old: {"momentum_buffer": old["exp_avg"]}),
    "more": change("optimizer", "state", 0, "max_exp_avg_sq", value=torch.zeros(1)),
    "betas": change("optimizer", "param_groups", 0, "betas", value=(2.0, "x")),
    "decay": change("optimizer", "param_groups", 0, "weight_decay", value=torch.ones(3)),
}


@pytest.fixture(scope="module")
def good():
    return broken_off(training(average="ema", recipe="finetune-adamw"), (1, 2))


@pytest.mark.parametrize("case", [*AVERAGE, *ADAMW])
def test_a_checkpoint_of_wrong_content_is_told(good, case):
    saved = copy.deepcopy(good)
    {**AVERAGE, **ADAMW}[case](saved)
    assert misfit(training(average="ema", recipe="finetune-adamw"), saved) != ""


def test_a_checkpoint_of_before_fits_a_run_without_averaging():
    saved = broken_off(training(), (1, 2))
    del saved["averaged"]
    assert misfit(training(), saved) == ""
    assert misfit(training(average="ema"), saved) != ""
    assert misfit(training(recipe="finetune-adamw"), saved) != ""


def test_statistics_are_those_of_the_clean_images():
    state = training(n_train=64)
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64))
    averaging.renew_statistics(network, state.sets.train, 16, seed=0)
    x = state.sets.train.take(torch.arange(64)).x.flatten(1)
    assert torch.allclose(network[1].running_mean, x.mean(0), atol=1e-5)
    assert not network.training
    assert network[1].momentum == 0.1
    normalised = Normalized(nn.Flatten(), 1, (0.5,), (0.2,))
    averaging.renew_statistics(normalised, state.sets.train, 16, seed=0)
    assert float(normalised.mean) == 0.5
