"""ONNX files as networks, against onnxruntime; skipped without the packages of the extra."""

import numpy as np
import pytest
import torch

from smd import weights
from smd.errors import UserError

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

SHAPE = (3, 8, 8)
RNG = np.random.default_rng(0)


def model(nodes, tensors=None, batch="batch", version=18, classes=5, **more):
    """A model from images `x` to logits `y`."""
    images = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *SHAPE])
    logits = helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, classes])
    initial = [numpy_helper.from_array(np.asarray(t), n) for n, t in (tensors or {}).items()]
    graph = helper.make_graph(nodes, "g", [images], [logits], initial)
    opset = [helper.make_opsetid("", version)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8, **more)


def written(folder, made):
    (folder / "net.onnx").write_bytes(made.SerializeToString())
    return folder / "net.onnx"


def head(name, features):
    """A linear layer on the mean of maps of that name, and its weights."""
    nodes = [
        helper.make_node("GlobalAveragePool", [name], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["y"], transB=1),
    ]
    tensors = {"w": normal(5, features), "b": normal(5)}
    return nodes, tensors


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def whole_numbers(*values):
    return np.array(values, np.int64)


def node(kind, *inputs, **attributes):
    return helper.make_node(kind, ["x", *inputs], ["m"], **attributes)


STATISTICS = {"s": normal(3), "o": normal(3), "mu": normal(3), "v": np.abs(normal(3))}
CASES = {
    "conv": (node("Conv", "k", pads=[1, 1, 1, 1], strides=[2, 2]), {"k": normal(4, 3, 3, 3)}, 4),
    "conv uneven": (node("Conv", "k", pads=[0, 1, 2, 1]), {"k": normal(4, 3, 3, 3)}, 4),
    "conv same": (
        node("Conv", "k", auto_pad="SAME_UPPER", strides=[3, 3]),
        {"k": normal(4, 3, 3, 3)},
        4,
    ),
    "groups": (node("Conv", "k", "c", group=3), {"k": normal(6, 1, 3, 3), "c": normal(6)}, 6),
    "transposed": (
        node("ConvTranspose", "k", strides=[2, 2], output_padding=[1, 1]),
        {"k": normal(3, 4, 3, 3)},
        4,
    ),
    "batch norm": (node("BatchNormalization", "s", "o", "mu", "v"), STATISTICS, 3),
    "instance norm": (node("InstanceNormalization", "s", "o"), STATISTICS, 3),
    "layer norm": (node("LayerNormalization", "l"), {"l": normal(8)}, 3),
    "max pool": (node("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]), {}, 3),
    "max pool uneven": (node("MaxPool", kernel_shape=[3, 3], pads=[0, 0, 2, 1]), {}, 3),
    "max pool up": (node("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1), {}, 3),
    "mean pool": (node("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]), {}, 3),
    "mean pool counted": (
        node("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
        {},
        3,
    ),
    "mean pool uneven": (node("AveragePool", kernel_shape=[3, 3], pads=[0, 1, 2, 2]), {}, 3),
    "pad": (node("Pad", "p"), {"p": whole_numbers(0, 0, 1, 2, 0, 0, 3, 0)}, 3),
    "reflect": (node("Pad", "p", mode="reflect"), {"p": whole_numbers(0, 0, 1, 2, 0, 0, 3, 0)}, 3),
    "nearest": (
        node("Resize", "", "f", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        {"f": np.array([1, 1, 1.5, 2], np.float32)},
        3,
    ),
    "linear": (
        node("Resize", "", "", "n", mode="linear"),
        {"n": whole_numbers(1, 3, 11, 5)},
        3,
    ),
    "aligned": (
        node("Resize", "", "f", mode="linear", coordinate_transformation_mode="align_corners"),
        {"f": np.array([1, 1, 1.5, 2], np.float32)},
        3,
    ),
    "cubic": (
        node("Resize", "", "f", mode="cubic"),
        {"f": np.array([1, 1, 2, 2], np.float32)},
        3,
    ),
    "depth": (node("SpaceToDepth", blocksize=2), {}, 12),
    "clip": (node("Clip", "a", "b2"), {"a": np.float32(0.2), "b2": np.float32(0.6)}, 3),
    "prelu": (node("PRelu", "a"), {"a": normal(3, 1, 1)}, 3),
    "slice": (
        node("Slice", "f", "t", "ax", "st"),
        {
            "f": whole_numbers(-1, 1),
            "t": whole_numbers(-100, 6),
            "ax": whole_numbers(2, 3),
            "st": whole_numbers(-2, 2),
        },
        3,
    ),
    "softmax": (node("Softmax", axis=1), {}, 3),
    "mean": (node("ReduceMean", "ax", keepdims=1), {"ax": whole_numbers(2)}, 3),
    "norm": (node("ReduceL2", "ax", keepdims=1), {"ax": whole_numbers(2)}, 3),
    "gather": (node("Gather", "g", axis=1), {"g": whole_numbers(2, -3)}, 2),
    "hard": (node("HardSigmoid", alpha=0.3), {}, 3),
    "lrn": (node("LRN", size=3, alpha=0.1), {}, 3),
}


def runtime(path, x):
    session = pytest.importorskip("onnxruntime").InferenceSession(path)
    return torch.from_numpy(session.run(None, {"x": x.detach().numpy()})[0])


@pytest.mark.parametrize("case", CASES)
def test_operators_equal_onnxruntime_and_have_gradients(tmp_path, case):
    layer, tensors, features = CASES[case]
    last, own = head("m", features)
    if case == "linear":  # it names the sizes of all axes
        made = model([layer, *last], tensors | own, batch=1)
    else:
        made = model([layer, *last], tensors | own)
    path = written(tmp_path, made)
    x = torch.rand(1 if case == "linear" else 3, *SHAPE, requires_grad=True)
    network = weights.whole(path, SHAPE)
    torch.testing.assert_close(network(x), runtime(path, x), atol=1e-5, rtol=1e-5)
    assert torch.autograd.grad(network(x).sum(), x)[0].abs().sum() > 0
    logits = network.features(x) @ torch.tensor(own["w"]).T + torch.tensor(own["b"])
    torch.testing.assert_close(logits, network(x))


def test_sizes_are_computed_as_exporters_write_them(tmp_path):
    """Shape, Gather, Unsqueeze, Concat and Reshape around an unnamed batch."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Constant", [], ["zero"], value=numpy_helper.from_array(np.array(0))),
        helper.make_node("Gather", ["s", "zero"], ["n"], axis=0),
        helper.make_node("Unsqueeze", ["n", "axes"], ["n1"]),
        helper.make_node("Concat", ["n1", "rest"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["y0"]),
        helper.make_node("Add", ["y0", "b"], ["y"]),
    ]
    tensors = {"axes": whole_numbers(0), "rest": whole_numbers(-1), "b": normal(5)}
    path = written(tmp_path, model(nodes, tensors | {"w": normal(192, 5)}))
    network, x = weights.whole(path, SHAPE), torch.rand(3, *SHAPE)
    torch.testing.assert_close(network(x), runtime(path, x))
    assert network.features(x).shape == (3, 192)


def test_a_batch_that_the_file_needs_is_kept(tmp_path):
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w"], ["y"]),
    ]
    tensors = {"shape": whole_numbers(4, 192), "w": normal(192, 5)}
    network = weights.whole(written(tmp_path, model(nodes, tensors, batch=4)), SHAPE)
    x = torch.rand(6, *SHAPE)
    assert network.batch == 4
    torch.testing.assert_close(network(x), x.flatten(1) @ torch.tensor(tensors["w"]))


@pytest.mark.parametrize("images", [1, 2])
def test_what_torch_exports_is_read(tmp_path, images):
    pytest.importorskip("onnxscript")
    from making_weights import small

    network, x = small(), torch.rand(3, *SHAPE)
    path = tmp_path / "net.onnx"
    torch.onnx.export(network, (x[:images],), path, external_data=False, verbose=False)
    torch.testing.assert_close(weights.whole(path, SHAPE)(x), network(x), atol=1e-5, rtol=0)


def refused(folder, made, says):
    with pytest.raises(UserError, match=says) as raised:
        weights.whole(written(folder, made), SHAPE)
    assert "\n" not in str(raised.value)


def plain(**more):
    nodes, tensors = head("x", 3)
    return model(nodes, tensors, **more)


@pytest.mark.parametrize("place", ["../../etc/passwd", "/etc/passwd", "weights.bin"])
def test_weights_in_another_file_are_never_opened(tmp_path, place):
    made = plain()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=place)
    refused(tmp_path, made, "another file")


def test_a_constant_in_another_file_is_never_opened(tmp_path):
    tensor = numpy_helper.from_array(normal(3))
    tensor.external_data.add(key="location", value="/etc/passwd")
    nodes, tensors = head("m", 3)
    first = helper.make_node("Constant", [], ["m"], value=tensor)
    refused(tmp_path, model([first, *nodes], tensors), "another file")


@pytest.mark.parametrize(
    "first, says",
    [
        (helper.make_node("PyOp", ["x"], ["m"], domain="ai.onnx.contrib"), "PyOp"),
        (helper.make_node("Loop", ["x"], ["m"]), "Loop"),
        (helper.make_node("StringConcat", ["x", "x"], ["m"]), "StringConcat"),
        (helper.make_node("RandomNormalLike", ["x"], ["m"]), "RandomNormalLike"),
        (helper.make_node("Tile", ["x", "huge"], ["m"]), "fills the memory"),
        (helper.make_node("ConstantOfShape", ["huge"], ["m"]), "larger than any network"),
        (helper.make_node("Expand", ["x", "huge"], ["m"]), "cannot be used"),
        (helper.make_node("Range", ["a", "z", "one"], ["m"]), "larger than any network"),
        (helper.make_node("Add", ["x", "gone"], ["m"]), "cannot be used"),
        (helper.make_node("Relu", ["x", "x", "x"], ["m"]), "cannot be used"),
        (helper.make_node("Conv", ["x", "w"], ["m"]), "cannot be used"),
    ],
    ids=lambda value: value.op_type if hasattr(value, "op_type") else "",
)
def test_what_is_unknown_or_fills_the_memory_is_refused(tmp_path, first, says):
    nodes, tensors = head("m", 3)
    more = {"huge": whole_numbers(1, 1, 10**6, 10**6), "a": np.array(0), "one": np.array(1)}
    refused(tmp_path, model([first, *nodes], tensors | more | {"z": np.array(10**15)}), says)


def test_functions_of_its_own_are_refused(tmp_path):
    made = plain()
    made.functions.add(name="f", domain="mine")
    refused(tmp_path, made, "functions")


def test_other_versions_and_train_mode_are_refused(tmp_path):
    refused(tmp_path, plain(version=3), "version 3")
    nodes, tensors = head("m", 3)
    norm = node("BatchNormalization", "s", "o", "mu", "v", training_mode=1)
    refused(tmp_path, model([norm, *nodes], tensors | STATISTICS), "train mode")


@pytest.mark.parametrize("content", [b"", b"garbage" * 99, b"\x0a" * 999, b"\xff" * 99])
def test_what_is_no_onnx_is_refused(tmp_path, content):
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(UserError):
        weights.whole(tmp_path / "net.onnx", SHAPE)


def test_a_tensor_that_claims_more_than_it_holds_is_refused(tmp_path):
    made = plain()
    made.graph.initializer[0].dims[0] = 2**40
    refused(tmp_path, made, "damaged")
