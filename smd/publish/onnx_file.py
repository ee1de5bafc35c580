"""A network in ONNX, by torch's exporter; checked in ONNX Runtime where that is there."""

import importlib
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from smd.errors import UserError
from smd.publish.checks import compared, equal
from smd.publish.formats import Written
from smd.publish.program import DYNAMIC, first_line, program

LARGEST = 2**31 - 1  # bytes of a message of protobuf, which an ONNX file is


def as_onnx(model: nn.Module, shape: Sequence[int], about: Mapping[str, str]) -> Written:
    """The content of an .onnx file; raises UserError where the network cannot be written so, or a
    package is missing."""
    for package in ("onnx", "onnxscript"):
        if _package(package) is None:
            raise UserError(
                f'ONNX needs the package {package}: pip install "smd-studio[onnx]" brings it.'
            )
    proto = _proto(model, shape)
    _tidy(proto, about)
    if proto.ByteSize() > LARGEST:
        raise UserError("This network is larger than the 2 GB of an ONNX file: write it as pt2.")
    importlib.import_module("onnx").checker.check_model(proto)
    content = proto.SerializeToString()
    runtime = _package("onnxruntime")
    if runtime is None:
        return Written(content, "not checked, as the package onnxruntime is missing")
    difference = compared(model, _answers(runtime, content), shape)
    return Written(content, equal(difference, f"ONNX Runtime {runtime.__version__}"))


def _package(name: str) -> Any:
    """The package; None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _proto(model: nn.Module, shape: Sequence[int]) -> Any:
    """The network as onnx.ModelProto."""
    exported = program(model, shape)
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            made = torch.onnx.export(
                exported,
                dynamo=True,
                verbose=False,
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=DYNAMIC,
            )
        return made.model_proto  # type: ignore[union-attr]
    except Exception as error:  # of many kinds, none of them documented
        raise UserError(
            f"This network cannot be written in ONNX ({first_line(error)}): write it as pt2."
        ) from error
    finally:
        logger.setLevel(level)


def _tidy(proto: Any, about: Mapping[str, str]) -> None:
    """Take out where in this machine's files each operation came from; say what the network is."""
    graph = proto.graph
    parts = [graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer]
    for part in [*parts, *proto.functions]:
        part.ClearField("metadata_props")
    importlib.import_module("onnx").helper.set_model_props(proto, dict(about))


def _answers(runtime: Any, content: bytes) -> Callable[[Tensor], Tensor]:
    """The network as ONNX Runtime runs it on the CPU."""
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def answer(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"images": images.numpy()})[0])

    return answer
