"""Networks written for others answer there as here, in a process that knows nothing of ours."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from smd import nets
from smd.api.run import load_run
from smd.cli import export as export_command
from smd.config import schema
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.paths import AROUND as REPOSITORY
from smd.publish import networks, onnx_file
from smd.publish.checks import made_up
from smd.publish.program import EXTRA
from smd.runs.folders import Run
from smd.tasks.network import Trained

BUILT = {  # every layer of ours: halving stem, whole map, instance norm, standardised images, 3-D
    "fashion-cnn": (1, 28, 28),
    "wrn-28-4": (3, 8, 8),
    "volume-cnn": (1, 4, 6, 6),
}
TENSORS = """
import sys, numpy, torch
def loaded(path):
    network = torch.export.load(path).module()
    return lambda images: network(torch.from_numpy(images)).detach().numpy()
"""
ONNX = """
import sys, numpy, onnxruntime
def loaded(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["logits"], {"images": images})[0]
"""
COMPARE = """
for path in sys.argv[1:]:
    network, known = loaded(path), numpy.load(path + ".npz")
    for size in (1, 2, 5):
        logits = network(known["images"][:size])
        numpy.testing.assert_allclose(logits, known["logits"][:size], rtol=0, atol=1e-5)
assert "smd" not in sys.modules
print(len(sys.argv) - 1)
"""


def network(name="small-cnn", shape=(1, 8, 8)):
    """A fresh network behind a normalisation; batch norms have seen some images."""
    torch.manual_seed(0)
    model = nets.build(name, shape, 10, (0.4,), (0.2,))
    model.train()(torch.rand(4, *shape))
    return Trained(model.eval(), shape, tuple("abcdefghij"))


@pytest.fixture
def run(tmp_path):
    """A run that is nothing but its config."""
    folder = tmp_path / "20260101-000000-digits-smd-0000"
    folder.mkdir()
    config = TrainConfig(mean=(0.4,), std=(0.2,))
    (folder / "config.json").write_text(json.dumps(schema.to_json(config)))
    return Run(folder.name, folder)


def compared_elsewhere(folder, run, form, shapes, preamble):
    """Writes networks and their answers, and compares them in a process of its own; how many."""
    paths = []
    for name, shape in shapes.items():
        trained, path = network(name, shape), folder / f"{name}.{form}"
        networks.export_network(run, trained, path, form)
        images = made_up(shape)
        np.savez(f"{path}.npz", images=images, logits=trained.model(images).detach())
        paths.append(str(path))
    done = subprocess.run(
        [sys.executable, "-I", "-c", preamble + COMPARE, *paths],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def need_onnx():
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)


@pytest.mark.slow
def test_networks_of_ours_answer_the_same_in_torch_alone(tmp_path, run):
    assert compared_elsewhere(tmp_path, run, "pt2", BUILT, TENSORS) == len(BUILT)


@pytest.mark.slow
def test_networks_of_ours_answer_the_same_in_onnx_runtime_alone(tmp_path, run):
    need_onnx()
    assert compared_elsewhere(tmp_path, run, "onnx", BUILT, ONNX) == len(BUILT)


def about(path, form):
    """What a file says of itself, read by its own library."""
    if form == "safetensors":
        with safe_open(path, "pt") as file:
            return file.metadata()
    if form == "pt2":
        extra = {EXTRA: ""}
        torch.export.load(path, extra_files=extra)
        return json.loads(extra[EXTRA])
    import onnx

    return {prop.key: prop.value for prop in onnx.load(path).metadata_props}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["safetensors", "pt2", "onnx"])
def test_a_file_says_what_it_is_and_no_path_of_this_machine(tmp_path, run, form):
    if form == "onnx":
        need_onnx()
    path = tmp_path / f"network.{form}"
    networks.export_network(run, network(), path, form)
    said = about(path, form)
    lists = said if form == "pt2" else {k: json.loads(said[k]) for k in ("mean", "std", "shape")}
    assert (said["run"], said["data"], said["net"]) == (run.id, "digits", "small-cnn")
    assert (lists["mean"], lists["std"], lists["shape"]) == ([0.4], [0.2], [1, 8, 8])
    assert "".join(c for c in said["classes"] if c.isalpha()) == "abcdefghij"
    content = path.read_bytes()
    assert str(REPOSITORY).encode() not in content
    assert b"smd/nets" not in content


def test_safetensors_are_the_weights_bit_for_bit_also_where_two_names_share_one(tmp_path, run):
    trained = network()
    trained.model.again = trained.model.network.head
    path = tmp_path / "n.safetensors"
    exported = networks.export_network(run, trained, path, "safetensors")
    assert exported.size == path.stat().st_size
    state = trained.model.state_dict()
    with safe_open(path, "pt") as file:
        assert set(file.keys()) == set(state)
        assert all(torch.equal(file.get_tensor(name), state[name]) for name in state)


class Drawing(nn.Module):
    """Random in eval mode too."""

    def forward(self, x):
        return (x + torch.rand_like(x)).flatten(1)[:, :10]


class Choosing(nn.Module):
    """What it does hangs on the values of the images."""

    def forward(self, x):
        return x.flatten(1)[:, :10] if x.mean() > 0.5 else x.flatten(1)[:, 10:20]


@pytest.mark.parametrize(
    "model, sentence", [(Drawing(), "differ by"), (Choosing(), "choose another format")]
)
def test_what_cannot_be_written_leaves_the_file_that_was_there(tmp_path, run, model, sentence):
    path = tmp_path / "network.pt2"
    path.write_bytes(b"before")
    with pytest.raises(UserError, match=sentence):
        networks.export_network(run, Trained(model, (1, 8, 8), ("a",) * 10), path, "pt2")
    assert path.read_bytes() == b"before"
    assert not list(tmp_path.glob(".*"))


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    monkeypatch.setitem(sys.modules, "onnx", sys)
    with pytest.raises(UserError, match=r'onnxscript: pip install "smd-studio\[onnx\]"'):
        onnx_file.as_onnx(network().model, (1, 8, 8), {})


def test_without_onnx_runtime_it_says_that_it_was_not_checked(monkeypatch):
    need_onnx()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    written = onnx_file.as_onnx(network().model, (1, 8, 8), {})
    assert "not checked" in written.checked
    assert written.content


def test_a_stored_run_is_written_by_the_command_and_in_python(finished, tmp_path, capsys):
    from smd.__main__ import main

    run, other = finished
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    assert main(["export", run.id, "--weights", "safetensors", "--out", str(one)]) == 0
    assert f"{one}: 0.3 MB, the same numbers bit for bit" in capsys.readouterr().out
    assert "bit for bit" in load_run(run.id).export(two)
    first, second = load_file(one), load_file(two)
    assert all(torch.equal(first[name], second[name]) for name in first | second)
    both = ["export", run.id, other.id, "--weights", "safetensors", "--out", str(one)]
    assert main(both) == 1
    assert "one by one" in capsys.readouterr().err
    assert main(["export", run.id, "--weights", "pt2", "--out", str(tmp_path / "no" / "n")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_the_commands_formats_are_those_that_can_be_written():
    assert set(export_command.NETWORKS) == set(networks.WRITERS)


def test_an_unknown_format_is_refused(tmp_path, run):
    with pytest.raises(UserError, match="safetensors, pt2, onnx"):
        networks.export_network(run, network(), tmp_path / "n", "pickle")
