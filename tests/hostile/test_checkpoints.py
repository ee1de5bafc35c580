"""Checkpoints and weights of wrong content.

One sentence before the first step, never a raw error or a wrong number.
"""

import copy
import math
import os

import pytest
import torch
from safetensors.torch import save

from smd import data, nets, registry
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.tasks.files import load_checkpoint, load_weights, save_checkpoint, save_weights
from smd.training.checkpoints import misfit
from smd.training.loop import checkpoint, epochs, prepare
from tests.hostile.making_stranger import THINGS, put

CPU = torch.device("cpu")


class Stop(Exception):
    pass


def prepared(defense="smd"):
    config = TrainConfig(defense=defense, net="small-cnn", epochs=3, n_train=100, batch=32)
    return prepare(config, data.load("digits"), CPU)


def broken_off(training, at):
    def stop(state, batches):
        if (state.epoch, state.batch) == at:
            raise Stop

    with pytest.raises(Stop):
        list(epochs(training, stop))
    return checkpoint(training)


@pytest.mark.slow
@pytest.mark.parametrize("defense", registry.DEFENSES)
def test_every_defense_s_own_checkpoints_fit(defense, tmp_path):
    for at in ((0, 1), (1, 4)):
        save_checkpoint(tmp_path / "last.pt", broken_off(prepared(defense), at))
        assert misfit(prepared(defense), load_checkpoint(tmp_path / "last.pt", CPU)) == ""


def test_one_after_an_epoch_and_one_of_an_earlier_version_fit():
    training = prepared()
    next(epochs(training, lambda state, batches: None))
    saved = checkpoint(training)
    assert misfit(prepared(), saved) == ""
    for name in ("crossed", "looked", "drawn", "draws"):
        del saved["tally"][name]
    assert misfit(prepared(), saved) == ""


@pytest.fixture(scope="module")
def good():
    return broken_off(prepared(), (1, 2))


def weight(saved):
    return next(name for name in saved["model"] if name.endswith("weight"))


def change(path, value):
    def act(saved):
        *around, last = path
        for name in around:
            saved = saved[name]
        saved[last] = value(saved[last]) if callable(value) else value

    return act


WRONG = {
    **{
        f"epoch {value}": change(["epoch"], value)
        for value in (-3, 10**9, 1.5, True, None, "1", math.nan)
    },
    **{f"batch {value}": change(["batch"], value) for value in (-1, 10**9, None)},
    "no weights": change(["model"], {}),
    "weights that are a list": change(["model"], [1]),
    "NaN": lambda saved: saved["model"][weight(saved)].fill_(math.nan),
    "int8": (
        lambda saved: saved["model"].update(
            {weight(saved): saved["model"][weight(saved)].to(torch.int8)}
        )
    ),
    "another shape": lambda saved: saved["model"].update({weight(saved): torch.zeros(2)}),
    "a number": lambda saved: saved["model"].update({weight(saved): 1}),
    "a weight more": lambda saved: saved["model"].update({"more": torch.zeros(1)}),
    "no state": change(["state"], {}),
    "state of more images": lambda saved: saved["state"].update(margin=torch.zeros(7)),
    "no optimizer": lambda saved: saved.pop("optimizer"),
    "an optimizer of nothing": change(["optimizer", "param_groups"], []),
    "momentum of another shape": (
        lambda saved: saved["optimizer"]["state"][0].update(momentum_buffer=torch.zeros(1))
    ),
    "step size": lambda saved: saved["optimizer"]["param_groups"][0].update(lr=math.nan),
    "no tally": change(["tally"], None),
    "tally of other images": (
        lambda saved: saved["tally"].update(adv_ok=torch.zeros(3, dtype=torch.bool))
    ),
    "sums of vectors": lambda saved: saved["tally"]["sums"].update(loss=torch.zeros(5)),
    "seconds": lambda saved: saved["tally"].update(seconds="x"),
    "draws": lambda saved: saved["tally"].update(draws=-1),
    "drawn of others": lambda saved: saved["tally"].update(drawn=torch.zeros(3, dtype=torch.bool)),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_checkpoint_of_wrong_content_is_told(good, case):
    saved = copy.deepcopy(good)
    WRONG[case](saved)
    assert misfit(prepared(), saved) != ""


def test_a_checkpoint_of_another_defense_or_network_is_told(good):
    assert misfit(prepared("std"), good) != ""


@pytest.mark.parametrize(
    "value", [[], 5, {"schema": "x"}, {"schema": -1}, {"schema": [1]}, os.getcwd]
)
def test_what_is_no_checkpoint_is_refused_and_not_unpickled(tmp_path, value):
    torch.save(value, tmp_path / "last.pt")
    with pytest.raises(UserError, match="delete the file"):
        load_checkpoint(tmp_path / "last.pt", CPU)


@pytest.mark.parametrize("thing", THINGS)
def test_what_is_no_ordinary_file_is_neither_checkpoint_nor_weights(tmp_path, thing):
    model = nets.build("small-cnn", (1, 8, 8), 10)
    save_weights(tmp_path / "victim", model, {})
    put(tmp_path / "file", thing, tmp_path / "victim")
    for load in (
        lambda: load_checkpoint(tmp_path / "file", CPU),
        lambda: load_weights(tmp_path / "file", model),
    ):
        with pytest.raises(UserError, match="no ordinary file"):
            load()


SPOILED = {
    "NaN": lambda t: t.fill_(math.nan),
    "infinity": lambda t: t.fill_(math.inf),
    "int8": lambda t: t.to(torch.int8),
    "float16": lambda t: t.half(),
    "shape": lambda t: t.flatten()[:1],
}


@pytest.mark.parametrize("case", SPOILED)
def test_weights_of_wrong_content_are_refused(tmp_path, case):
    model = nets.build("small-cnn", (1, 8, 8), 10)
    tensors = {name: value.clone() for name, value in model.state_dict().items()}
    name = next(name for name in tensors if name.endswith("weight"))
    tensors[name] = SPOILED[case](tensors[name]).contiguous()
    (tmp_path / "file").write_bytes(save(tensors))
    with pytest.raises(UserError, match="do not fit"):
        load_weights(tmp_path / "file", model)


@pytest.mark.parametrize(
    "content", [b"", b"x", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0\0{}"]
)
def test_what_is_no_weights_file_is_one_sentence(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UserError, match="do not fit"):
        load_weights(tmp_path / "file", nets.build("small-cnn", (1, 8, 8), 10))
