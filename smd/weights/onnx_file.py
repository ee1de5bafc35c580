"""Networks in ONNX files (extra `onnx`), as a list of known operations.

The package onnx parses the file; its operators are computed here with torch, so that attacks have
gradients. The packages that convert ONNX to torch do not know the operators that torch exports now.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smd.errors import UserError
from smd.files import foreign
from smd.weights import archive
from smd.weights.graph import Graph, Name, Step
from smd.weights.limits import HOW_ONNX, Unfit, refuse_inflated, shown
from smd.weights.onnx_table import OPERATIONS, Operation

LARGEST = 2**31  # bytes, the format's own limit of one file
OLDEST, NEWEST = 7, 26  # versions of the operators that the table was written for
FLOAT = 1  # the format's number of float32
TOLD = ("Dropout", "Pad", "Range", "Resize", "Upsample")  # all but their first input
DOMAINS = ("", "ai.onnx")
NEEDED = 'pip install "smd-studio[onnx]"'


def graph_of(path: Path) -> Graph:
    """The graph in an .onnx file.

    Raises UserError where the package onnx is missing or the file is broken, Unfit where it is no
    classifier of images or uses what is not known, OSError without such a file.
    """
    try:
        import onnx
    except ImportError:
        raise UserError(f"To read {path}, install the package onnx: {NEEDED}.") from None
    with foreign.opened(path, LARGEST) as file:
        content = file.read()
    with archive.readable(path):
        model = onnx.load_model_from_string(content)
        graph = _graph(model)
        refuse_inflated(str(path), graph.tensors.values(), len(content))
    return graph


def _graph(model: Any) -> Graph:
    version = _version(model)
    if model.functions or model.graph.sparse_initializer:
        raise Unfit(f"it brings functions or sparse tensors of its own: write it with {HOW_ONNX}")
    weights = {each.name: _tensor(each) for each in model.graph.initializer}
    images = [each for each in model.graph.input if each.name not in weights]
    if len(images) != 1 or len(model.graph.output) != 1:
        raise Unfit("it does not take images alone, or does not answer logits alone")
    steps = list(_steps(model.graph.node, version, weights))
    told = _told(model.graph.node)
    moved = {n: t for n, t in weights.items() if t.is_floating_point() and n not in told}
    return Graph(
        steps=tuple(steps),
        input=images[0].name,
        output=model.graph.output[0].name,
        tensors=moved,
        fixed={"": None} | {n: t for n, t in weights.items() if n not in moved},
        batch=_batch(images[0]),
    )


def _told(nodes: Any) -> set[str]:
    """The values that tell an operator how, and are no weights: they stay on the CPU."""
    return {name for node in nodes if node.op_type in TOLD for name in node.input[1:]}


def _version(model: Any) -> int:
    """The version of the operators; raises Unfit for others than the standard's."""
    versions = {each.domain: each.version for each in model.opset_import}
    version = next((versions[name] for name in DOMAINS if name in versions), 0)
    if not OLDEST <= version <= NEWEST:
        raise Unfit(f"its operators are of version {version}, known are {OLDEST} to {NEWEST}")
    return int(version)


def _batch(images: Any) -> int:
    """Images at once, where the file fixes it; 0 where it takes any."""
    kind = images.type.tensor_type
    if kind.elem_type != FLOAT or not kind.shape.dim:
        raise Unfit("it takes other things than float32 images: export it in float32")
    return int(kind.shape.dim[0].dim_value)


def _tensor(proto: Any) -> Tensor:
    """A tensor that stands in the file itself; raises Unfit for one that stands elsewhere."""
    from onnx import numpy_helper

    if proto.data_location or proto.external_data:
        raise Unfit(
            f"its weights stand in another file beside it, which is not read: write it with"
            f" {HOW_ONNX}"
        )
    array = numpy_helper.to_array(proto)
    if array.dtype.kind not in "fiub":
        raise Unfit(f"its tensor {shown(proto.name)} holds no numbers")
    tensor = torch.from_numpy(array.copy())
    if tensor.is_floating_point() and not bool(tensor.isfinite().all()) and tensor.numel() > 1:
        raise Unfit("its weights are not finite")
    return tensor


def _steps(nodes: Any, version: int, weights: dict[str, Tensor]) -> Iterator[Step]:
    for node in nodes:
        if node.domain not in DOMAINS or node.op_type not in OPERATIONS:
            name = shown(f"{node.domain}::{node.op_type}" if node.domain else node.op_type)
            raise Unfit(f"it uses {name}, which is not in the table of known operations")
        attributes = {each.name: _attribute(each) for each in node.attribute}
        if node.op_type == "Constant":
            weights[node.output[0]] = _constant(attributes)
            continue
        operation = OPERATIONS[node.op_type]
        yield _step(node, operation, {**attributes, "version": version})


def _step(node: Any, operation: Operation, attributes: Mapping[str, Any]) -> Step:
    args = tuple(Name(name) for name in node.input)
    # a layer of one output may name more, which only training needs
    outputs = tuple(node.output) if node.op_type == "Split" else (node.output[0],)
    if node.op_type != "Split" and any(node.output[1:]) and node.op_type != "Dropout":
        raise Unfit(f"its {node.op_type} gives more than one tensor, as in train mode")
    does = partial(operation, {**attributes, "outputs": len(outputs)})
    linear = (args[0], args[1]) if node.op_type in ("Gemm", "MatMul") else ()
    return Step(
        title=node.op_type,
        does=_alone(does) if len(outputs) == 1 and node.op_type == "Split" else does,
        args=args,
        outputs=outputs,
        linear=linear,  # type: ignore[arg-type]
    )


def _alone(does: Any) -> Any:
    return lambda *args: does(*args)[0]


def _attribute(proto: Any) -> Any:
    """An attribute's number, text, list or tensor; raises Unfit for a graph, as of a loop."""
    from onnx import AttributeProto, helper

    if proto.type == AttributeProto.TENSOR:
        return _tensor(proto.t)
    kinds = AttributeProto
    if proto.type not in (kinds.INT, kinds.INTS, kinds.FLOAT, kinds.FLOATS, kinds.STRING):
        raise Unfit(f"its operator has an attribute {shown(proto.name)} that is not known")
    value = helper.get_attribute_value(proto)
    return value.decode() if isinstance(value, bytes) else value


def _constant(attributes: Mapping[str, Any]) -> Tensor:
    """What a Constant holds."""
    ((kind, value),) = attributes.items()
    if kind == "value":
        return value
    dtype = torch.int64 if "int" in kind else torch.float32
    return torch.tensor(value, dtype=dtype)
