"""Files of weights and networks that are made to do harm: refused in a sentence, nothing run."""

import io
import json
import os
import pickle
import struct
import zipfile

import pytest
import torch
from making_weights import Evil, added, rewritten, saved, small
from torch.export import export, save

from smd import weights
from smd.errors import UserError

SHAPE = (3, 6, 6)


def refused(path, says=None, read=weights.read):
    with pytest.raises(UserError, match=says) as raised:
        read(path)
    text = str(raised.value)
    assert text.endswith(".") and "\n" not in text and "\x1b" not in text
    return text


@pytest.fixture
def trap(tmp_path):
    """A file that must not be there afterwards."""
    path = tmp_path / "ran"
    yield path
    assert not path.exists()


PLACES = {
    "alone": lambda evil: evil,
    "nested": lambda evil: {"state_dict": {"a": torch.zeros(3), "b": evil}},
    "beside": lambda evil: {"state_dict": {"a": torch.zeros(3)}, "args": [(evil,)]},
    "key": lambda evil: {"a": torch.zeros(3), "b": {1: {2: evil}}},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["w.pt", "w.bin", "w.safetensors", "w.pth.tar"])
@pytest.mark.parametrize("archived", [True, False])
def test_a_pickle_runs_nothing_wherever_it_lies(tmp_path, trap, place, name, archived):
    value = PLACES[place](Evil(trap))
    path = saved(tmp_path, value, name, _use_new_zipfile_serialization=archived)
    refused(path, "holds more than tensors")


def test_a_bare_pickle_runs_nothing(tmp_path, trap):
    (tmp_path / "w.pt").write_bytes(pickle.dumps({"a": Evil(trap)}))
    refused(tmp_path / "w.pt", "more than tensors")


def test_a_pickled_network_is_refused_and_told_how_to_save(tmp_path):
    text = refused(saved(tmp_path, small()), "holds more than tensors")
    assert "torch.save(model.state_dict(), 'weights.pt')" in text


def test_torchscript_is_refused(tmp_path):
    path = saved(tmp_path, {"a": torch.zeros(3)})
    refused(added(path, "constants.pkl", b"x"), "TorchScript")


def test_names_are_shown_without_what_moves_a_cursor(tmp_path):
    refused(saved(tmp_path, {"\x1b[2J\n" * 100: torch.tensor([float("nan")])}), "not finite")


def test_a_compressed_archive_is_left_alone(tmp_path):
    path = saved(tmp_path, {"a": torch.zeros(2**20)})
    rewritten(path, {}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**16
    refused(path, "compressed")


def test_an_archive_whose_files_overlap_is_left_alone(tmp_path):
    """Every entry of the directory points at the same bytes."""
    path = saved(tmp_path, {"a": torch.zeros(2**16)})
    with zipfile.ZipFile(path, "a") as archive:
        first = max(archive.infolist(), key=lambda entry: entry.file_size)
        for k in range(20):
            again = zipfile.ZipInfo(f"weights/data/{k + 1}")
            again.file_size = again.compress_size = first.file_size
            again.header_offset, again.CRC = first.header_offset, first.CRC
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
        archive._didModify = True
    refused(path, "compressed archive")


def test_numbers_that_the_file_does_not_hold_are_not_made(tmp_path):
    refused(saved(tmp_path, {"a": torch.zeros(1).expand(10**6, 10**6)}), "larger than the file")
    same = torch.zeros(2**16)
    many = {f"a{k}": same for k in range(99)}
    refused(saved(tmp_path, many), "larger than the file")


def test_a_size_in_the_pickle_that_its_file_lacks_is_refused(tmp_path):
    path = saved(tmp_path, {"a": torch.zeros(4)})
    # the shape (4,) becomes (2 ** 36,)
    huge = b"\x8a\x05" + struct.pack("<Q", 2**36)[:5] + b"\x85"
    rewritten(path, {"data.pkl": lambda data: data.replace(b"K\x04\x85", huge)})
    refused(path, "damaged")


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}},
        {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]}},
        {"a": {"dtype": "X", "shape": [1], "data_offsets": [0, 4]}},
        {"a": 3},
        [],
    ],
)
def test_a_safetensors_header_that_lies_is_refused(tmp_path, header):
    text = json.dumps(header).encode()
    content = struct.pack("<Q", len(text)) + text + bytes(4)
    (tmp_path / "w.safetensors").write_bytes(content)
    refused(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    "content, says",
    [
        (b"", "no file of weights"),
        (b"PK\x03\x04", "damaged"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git-lfs"),
        (struct.pack("<Q", 2**60) + b"{" + bytes(99), "damaged"),
        (b"garbage" * 99, None),
        (b"(" * 10**4, None),
        (b"\x80\x02" + b"]" * 10**5 + b".", None),
    ],
)
def test_what_is_no_file_of_weights_is_refused(tmp_path, content, says):
    (tmp_path / "w.pt").write_bytes(content)
    refused(tmp_path / "w.pt", says)


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors", "w.pt2"])
def test_only_an_ordinary_file_is_opened(tmp_path, name):
    def read(path):
        return weights.whole(path, SHAPE) if weights.is_whole(path) else weights.read(path)

    path = tmp_path / name
    path.mkdir()
    refused(path, "folder", read)
    path.rmdir()
    os.mkfifo(path)
    refused(path, "pipe", read)
    path.unlink()
    path.symlink_to("/etc/passwd")
    refused(path, "link", read)


def whole(path):
    return weights.whole(path, SHAPE)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The bytes of a .pt2 file."""
    path = tmp_path_factory.mktemp("pt2") / "net.pt2"
    save(export(small(), (torch.rand(2, *SHAPE),)), path)
    return path.read_bytes()


@pytest.fixture
def pt2(tmp_path, network):
    path = tmp_path / "net.pt2"
    path.write_bytes(network)
    return path


def model(change):
    """A change of the program's description."""

    def changed(data):
        values = json.loads(data)
        change(values["graph_module"])
        return json.dumps(values).encode()

    return {"models/model.json": changed}


def pickled(evil):
    content = io.BytesIO()
    torch.save(evil, content)
    return content.getvalue()


def test_the_file_itself_is_read(pt2):
    assert whole(pt2)(torch.rand(3, *SHAPE)).shape == (3, 5)


def test_pickled_samples_of_inputs_are_never_read(pt2, trap):
    rewritten(pt2, {"sample_inputs/model.pt": lambda data: pickled(Evil(trap))})
    whole(pt2)


def test_pickled_weights_are_refused(pt2, trap):
    def change(data):
        values = json.loads(data)
        values["config"]["conv.weight"]["use_pickle"] = True
        return json.dumps(values).encode()

    changes = {
        "model_weights_config.json": change,
        "weights/weight_0": lambda data: pickled(Evil(trap)),
    }
    refused(rewritten(pt2, changes), "pickled object", whole)


@pytest.mark.parametrize(
    "name", ["data/aotinductor/model/x.so", "data/constants/custom_obj_0", "../../x", "model.py"]
)
def test_code_and_objects_in_the_archive_are_refused(pt2, name):
    refused(added(pt2, name, b"x"), "could run code", whole)


TARGETS = [
    "os.system",
    "builtins.eval",
    "torch.load",
    "_operator.pow",
    "_operator.methodcaller",
    "torch.ops.aten.from_file.default",
    "torch.ops.aten.set_.source_Storage",
    "torch.ops.aten.relu.out",
    "torch.ops.aten.relu.__class__",
    "torch.ops.aten.__class__.default",
    "torch.ops.inductor._reinterpret_tensor.default",
    "torch.ops.higher_order.cond",
    "torch.ops.mine.run.default",
    "#torch.nn.functional.relu",
]


@pytest.mark.parametrize("target", TARGETS)
def test_only_operations_of_the_table_are_done(pt2, target):
    def change(module):
        module["graph"]["nodes"][0]["target"] = target

    refused(rewritten(pt2, model(change)), "which", whole)


def first(module, arguments, target="torch.ops.aten.full.default"):
    """Put an operation before all others."""
    inputs = [{"name": name, "arg": arg, "kind": 1} for name, arg in arguments.items()]
    node = {"target": target, "inputs": inputs, "metadata": {}}
    module["graph"]["nodes"].insert(0, {**node, "outputs": [{"as_tensor": {"name": "big"}}]})


BOMBS = {
    "full": ({"size": {"as_ints": [10**9, 10**9]}, "fill_value": {"as_int": 1}}, "full.default"),
    "arange": ({"end": {"as_int": 10**15}}, "arange.default"),
    "repeat": (
        {"self": {"as_tensor": {"name": "input"}}, "repeats": {"as_ints": [10**5] * 4}},
        "repeat.default",
    ),
    "split": (
        {"self": {"as_tensor": {"name": "input"}}, "split_size": {"as_int": 0}},
        "split.Tensor",
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_memory_is_filled(pt2, bomb):
    def change(module):
        arguments, target = BOMBS[bomb]
        specs = module["signature"]["input_specs"]
        images = next(s["user_input"]["arg"] for s in specs if "user_input" in s)
        arguments = {n: images if n == "self" else arg for n, arg in arguments.items()}
        first(module, arguments, f"torch.ops.aten.{target}")

    refused(rewritten(pt2, model(change)), "cannot be used", whole)


def test_sizes_that_grow_without_bound_are_refused(pt2):
    def change(module):
        for k in range(64):
            before = {"as_sym_int": {"as_name": f"n{k - 1}"}} if k else {"as_int": 10}
            inputs = [{"name": name, "arg": before, "kind": 1} for name in "ab"]
            outputs = [{"as_sym_int": {"as_name": f"n{k}"}}]
            node = {"target": "_operator.mul", "inputs": inputs, "outputs": outputs}
            module["graph"]["nodes"].insert(k, node)

    refused(rewritten(pt2, model(change)), "a size that no tensor has", whole)


def test_a_tensor_beyond_its_bytes_is_refused(pt2):
    def change(data):
        values = json.loads(data)
        values["config"]["conv.weight"]["tensor_meta"]["storage_offset"] = {"as_int": 10**6}
        return json.dumps(values).encode()

    refused(rewritten(pt2, {"weights_config.json": change}), "larger than its file", whole)


def test_weights_are_not_changed_by_running(pt2):
    def change(module):
        about = module["signature"]["input_specs"][0]["parameter"]
        weight = {"as_tensor": about["arg"]}
        first(module, {"self": weight, "value": {"as_int": 0}}, "torch.ops.aten.fill_.Scalar")

    refused(rewritten(pt2, model(change)), "changes its own weights", whole)


@pytest.mark.parametrize(
    "text", ["", "[", "[]", "{}", "null", '{"graph_module": 3}', "[" * 10**6, "1" * 5000]
)
def test_a_description_that_is_none_is_refused(pt2, text):
    refused(rewritten(pt2, {"models/model.json": lambda data: text.encode()}), None, whole)


def test_texts_that_torch_would_evaluate_are_not(pt2, trap):
    code = f"__import__('pathlib').Path({str(trap)!r}).write_text('ran')"

    def change(data):
        values = json.loads(data)
        values["guards_code"] = [code]
        graph = values["graph_module"]["graph"]
        graph["sym_int_values"] = {"s0": {"as_expr": {"expr_str": code, "hint": None}}}
        for meta in graph["tensor_values"].values():
            meta["sizes"] = [{"as_expr": {"expr_str": code, "hint": None}}, *meta["sizes"][1:]]
        return json.dumps(values).encode()

    whole(rewritten(pt2, {"models/model.json": change}))
