"""Files of weights: every usual form gives the same tensors, and what was unwrapped is said."""

import pytest
import torch
from making_weights import saved, small
from safetensors.torch import save_file

from smd import weights
from smd.errors import UserError

MEAN, STD = (0.25, 0.5, 0.75), (0.5, 0.25, 0.125)


def state():
    return dict(small().state_dict())


def prefixed(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def same(tensors):
    own = state()
    return tensors.keys() == own.keys() and all(torch.equal(tensors[n], own[n]) for n in own)


FORMS = {
    "plain": lambda own: own,
    "state_dict": lambda own: {"epoch": 3, "state_dict": own},
    "parallel": lambda own: {"model": prefixed("module.", own), "optimizer": {"state": {0: 1}}},
    "compiled": lambda own: {"net": prefixed("module._orig_mod.", own)},
    "deep": lambda own: {"checkpoint": {"model_state_dict": prefixed("backbone.", own)}},
    "average alone": lambda own: {"ema": own, "acc": 0.5},
    "beside numbers": lambda own: {**own, "epoch": 3},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.bin", "w.ckpt", "w.pth.tar"])
def test_every_form_gives_the_same_tensors(tmp_path, form, name):
    read = weights.read(saved(tmp_path, FORMS[form](state()), name))
    assert same(read.tensors)
    assert bool(read.notes) == (form != "plain")


def test_the_format_before_archives_is_read(tmp_path):
    path = saved(tmp_path, {"net": state()}, _use_new_zipfile_serialization=False)
    assert same(weights.read(path).tensors)


@pytest.mark.parametrize("name", ["w.safetensors", "pytorch_model.bin"])
def test_safetensors_are_known_by_their_beginning(tmp_path, name):
    save_file(prefixed("model.", state()), tmp_path / name)
    assert same(weights.read(tmp_path / name).tensors)


def test_what_was_left_out_is_said(tmp_path):
    other = {name: tensor + 1 for name, tensor in state().items()}
    read = weights.read(saved(tmp_path, {"ema": other, "net": state(), "epoch": 7}))
    assert same(read.tensors)
    assert read.notes == (
        "The weights under 'net' were taken.",
        "Other weights lie in the file and were left out: ema.",
        "Beside them lie, and were left out: epoch.",
    )


def test_a_prefix_that_not_all_names_have_stays(tmp_path):
    own = {"model.a": torch.zeros(2), "fc.b": torch.zeros(2)}
    assert weights.read(saved(tmp_path, own)).tensors.keys() == own.keys()


SHAPES = [(3,), (1, 3, 1, 1), (3, 1, 1), (1, 3, 1, 1, 1)]
LAYERS = {
    "robustbench": lambda m, s, own: {"mu": m, "sigma": s, **own},
    "sequential": lambda m, s, own: {"0.mean": m, "0.std": s, **prefixed("1.", own)},
    "named": lambda m, s, own: {
        "state_dict": prefixed(
            "module.",
            {"normalize.mean": m, "normalize.std": s, **prefixed("model.", own)},
        )
    },
    "ours": lambda m, s, own: {"mean": m, "std": s, **prefixed("network.", own)},
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_published_normalisation_is_taken_out(tmp_path, layer, shape):
    mean, std = (torch.tensor(numbers).view(shape) for numbers in (MEAN, STD))
    read = weights.read(saved(tmp_path, LAYERS[layer](mean, std, state())))
    assert (read.mean, read.std) == (MEAN, STD)
    assert same(read.tensors)
    assert len(read.normalisation) == 2
    assert any("mean 0.25, 0.5, 0.75; std 0.5, 0.25, 0.125" in note for note in read.notes)


@pytest.mark.parametrize(
    "mean, std",
    [
        (torch.zeros(3), torch.zeros(3)),  # nothing can be divided by it
        (torch.zeros(3), torch.ones(4)),
        (torch.zeros(3, 3), torch.ones(3, 3)),
        (torch.zeros(64), torch.ones(64)),
    ],
)
def test_what_is_no_normalisation_stays(tmp_path, mean, std):
    read = weights.read(saved(tmp_path, {"mean": mean, "std": std, **state()}))
    assert read.mean == ()
    assert {"mean", "std"} <= read.tensors.keys()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32_and_it_is_said(tmp_path, kind):
    own = {"a": torch.ones(3, dtype=kind), "n": torch.tensor(4)}
    read = weights.read(saved(tmp_path, own))
    assert read.tensors["a"].dtype == torch.float32
    assert read.tensors["n"].dtype == torch.int64
    assert read.notes == (f"Weights in {str(kind)[6:]} were converted to float32.",)


@pytest.mark.parametrize(
    "value, says",
    [
        ({"a": torch.tensor([1.0, float("nan")])}, "not finite (a)"),
        ({"a": torch.tensor([float("inf")]).half()}, "not finite (a)"),
        ({"a": torch.zeros(2, dtype=torch.complex64)}, "complex"),
        ({"a": torch.eye(3).to_sparse()}, "sparse"),
        ({"a": torch.zeros(3, device="meta")}, "without numbers"),
        ([torch.zeros(3)], "no weights by name"),
        ({}, "no weights by name"),
        ({"optimizer": {"buffer": torch.zeros(3)}}, "no weights by name"),
        ({0: torch.zeros(3)}, "no weights by name"),
    ],
)
def test_what_no_network_takes_is_refused(tmp_path, value, says):
    with pytest.raises(UserError, match=says.replace("(", r"\(").replace(")", r"\)")):
        weights.read(saved(tmp_path, value))


def test_a_whole_network_is_not_read_as_weights(tmp_path):
    with pytest.raises(UserError, match="whole network"):
        weights.read(tmp_path / "net.onnx")


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        weights.read(tmp_path / "none.pt")
