"""Networks of torch.export.save (.pt2), read from their description.

torch.export.load unpickles, evaluates texts and loads compiled libraries that a file brings. Here
the graph is read from the archive's JSON and the tensors from their bytes; operations are looked up
in a table of names.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smd.weights import archive, pt2_operations
from smd.weights.graph import Graph, Step, names_in
from smd.weights.limits import DESCRIPTION, Unfit, refuse_inflated, shown
from smd.weights.pt2_arguments import DTYPES, value_of
from smd.weights.pt2_table import ALIASES

WEIGHTS, CONSTANTS, MODEL = "data/weights/", "data/constants/", "models/model.json"
# what may lie in an archive beside the program; samples of inputs are pickled, and never read
MEMBERS = (
    WEIGHTS,
    f"{CONSTANTS}tensor_",
    f"{CONSTANTS}model_constants_config.json",
    "data/sample_inputs/",
    "models/",
    "extra/",
    ".data/",
    "archive_format",
    "archive_version",
    "byteorder",
)
EXPORT = "torch.export.save(torch.export.export(model.eval(), (images,)), 'network.pt2')"


def graph_of(path: Path) -> Graph:
    """The graph in a .pt2 file; raises UserError where it is broken or not one that is safe and
    known, Unfit where it is no classifier of images, OSError without such a file."""
    with archive.listed(path) as zipped, archive.readable(path):
        try:
            return _graph(path, zipped)
        except Unfit:
            raise
        except KeyError as error:
            raise ValueError(f"it lacks {shown(error)}") from None


def _graph(path: Path, zipped: zipfile.ZipFile) -> Graph:
    if MODEL not in archive.names(zipped):
        raise Unfit(f"it holds no program named model: write it with {EXPORT}")
    others = [n for n in sorted(archive.names(zipped)) if n and not n.startswith(MEMBERS)]
    if others:
        raise Unfit(f"it brings {shown(others[0])}, which could run code: write it with {EXPORT}")
    module = _json(zipped, MODEL)["graph_module"]
    graph, signature = module["graph"], module["signature"]
    names = dict(_inputs(signature["input_specs"]))
    images = [name for name, what in names.items() if what is None]
    if len(images) != 1:
        raise Unfit(f"it takes {len(images)} inputs and not images alone")
    tensors = _tensors(zipped, {what for what in names.values() if what is not None})
    refuse_inflated(str(path), tensors.values(), path.stat().st_size)
    return Graph(
        steps=tuple(_steps(graph["nodes"], set(names) - {images[0]})),
        input=images[0],
        output=_output(signature["output_specs"]),
        tensors={name: tensors[what] for name, what in names.items() if what is not None},
        batch=_batch(graph["tensor_values"][images[0]]),
    )


def _json(zipped: zipfile.ZipFile, name: str) -> Any:
    try:
        return json.loads(archive.member(zipped, name, DESCRIPTION))
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply") from None


def _inputs(specs: list[dict[str, Any]]) -> Iterator[tuple[str, str | None]]:
    """The values that the graph begins with, and the tensor that each is; None for the images."""
    for spec in specs:
        ((kind, about),) = spec.items()
        if kind == "user_input":
            yield about["arg"]["as_tensor"]["name"], None
        elif kind in ("parameter", "buffer", "tensor_constant"):
            yield about["arg"]["name"], about[f"{kind}_name"]
        else:
            raise Unfit(f"it needs a {shown(kind)}, and only tensors are taken")


def _output(specs: list[dict[str, Any]]) -> str:
    if any("user_output" not in spec for spec in specs):
        raise Unfit(f"it changes its own weights, as in train mode: write it with {EXPORT}")
    if len(specs) != 1:
        raise Unfit(f"it answers {len(specs)} things and not logits alone")
    return specs[0]["user_output"]["arg"]["as_tensor"]["name"]


def _batch(meta: Mapping[str, Any]) -> int:
    """Images at once, where the file fixes it; 0 where it takes any."""
    if DTYPES.get(meta["dtype"]) != torch.float32:
        raise Unfit("it takes other numbers than float32: export it in float32")
    first = meta["sizes"][0]
    return int(first["as_int"]) if "as_int" in first else 0


def _tensors(zipped: zipfile.ZipFile, wanted: set[str]) -> dict[str, Tensor]:
    if archive.member(zipped, "byteorder", 100) != b"little":
        raise Unfit("its numbers stand in another byte order")
    files = {
        WEIGHTS: _json(zipped, f"{WEIGHTS}model_weights_config.json")["config"],
        CONSTANTS: _json(zipped, f"{CONSTANTS}model_constants_config.json")["config"],
    }
    read: dict[str, bytearray] = {}
    tensors = {}
    for folder, config in files.items():
        for name, about in config.items():
            if name not in wanted:
                continue
            if about["use_pickle"] or not about["tensor_meta"]:
                raise Unfit(f"it brings a pickled object ({shown(name)}), which would run code")
            place = folder + about["path_name"]
            if place not in read:
                read[place] = bytearray(archive.member(zipped, place))
            tensors[name] = _tensor(read[place], about["tensor_meta"])
    return tensors


def _tensor(content: bytearray, meta: Mapping[str, Any]) -> Tensor:
    """A tensor of its own over the bytes of one file; raises ValueError where it exceeds them."""
    sizes = [int(each["as_int"]) for each in meta["sizes"]]
    strides = [int(each["as_int"]) for each in meta["strides"]]
    offset, dtype = int(meta["storage_offset"]["as_int"]), DTYPES[meta["dtype"]]
    if min([*sizes, *strides, offset], default=0) < 0 or len(sizes) != len(strides):
        raise ValueError("a tensor of negative size")
    if 0 in sizes:
        return torch.empty(sizes, dtype=dtype)
    last = offset + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True))
    flat = torch.frombuffer(content, dtype=dtype)
    if last >= len(flat) or torch.Size(sizes).numel() > len(flat):
        raise ValueError("a tensor that is larger than its file")
    tensor = flat.as_strided(sizes, strides, offset).clone()
    if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
        raise Unfit("its weights are not finite")
    return tensor


def _steps(nodes: list[dict[str, Any]], weights: set[str]) -> Iterator[Step]:
    for node in nodes:
        given = {each["name"]: value_of(each["arg"]) for each in node["inputs"]}
        words = {each["name"] for each in node["inputs"] if each.get("kind") == 2}
        operation = pt2_operations.find(node["target"], given)
        first = next(names_in(list(given.values())), "")
        outputs = tuple(_outputs(node["outputs"]))
        if first in weights and operation.in_place:
            raise Unfit(f"it changes its own weights, as in train mode: write it with {EXPORT}")
        if first in weights and operation.title in ALIASES:
            weights |= set(outputs)
        args = tuple(value for name, value in given.items() if name not in words)
        yield Step(
            title=operation.title,
            does=operation.does,
            args=args,
            outputs=outputs,
            words={**operation.words, **{name: given[name] for name in words}},
            linear=operation.linear(args),
            in_place=operation.in_place,
        )


def _outputs(outputs: list[dict[str, Any]]) -> Iterator[str]:
    """The names of what an operation gives; a list of tensors is given as several."""
    for output in outputs:
        ((kind, about),) = output.items()
        if kind == "as_tensor":
            yield about["name"]
        elif kind == "as_tensors":
            yield from (each["name"] for each in about)
        elif kind in ("as_sym_int", "as_sym_bool", "as_sym_float"):
            yield about["as_name"]
        elif kind == "as_none":
            yield ""
        else:
            raise Unfit(f"it computes with {shown(kind)}")
