"""Whole networks from files, without a class: .pt2 of torch.export and .onnx."""

from pathlib import Path

from torch import nn

from smd.errors import UserError
from smd.weights import archive
from smd.weights.graph import GraphNetwork, checked, tried
from smd.weights.limits import Unfit

SUFFIXES = (".pt2", ".onnx")


def is_whole(path: str | Path) -> bool:
    """Whether a file's name says that it holds a whole network: .pt2 or .onnx."""
    return Path(path).suffix.lower() in SUFFIXES


def whole(path: str | Path, shape: tuple[int, ...]) -> nn.Module:
    """The network in a .pt2 or .onnx file for images of that shape, (C, H, W) or (C, D, H, W).

    It takes (B, C, ...) in [0, 1], gives logits (B, K), is differentiable by its input and has
    `.features`; it has no train mode. The file's code, if any, is not run: its list of operations
    is read, and refused with the first one that is not in a table. Raises UserError, one sentence,
    where the file is missing, broken, larger than it may be, or does not take such images.
    """
    path = Path(path)
    if not is_whole(path):
        raise UserError(f"{path} is no whole network: its name ends in neither .pt2 nor .onnx.")
    try:
        if path.suffix.lower() == ".pt2":
            from smd.weights import pt2

            graph = pt2.graph_of(path)
        else:
            from smd.weights import onnx_file

            graph = onnx_file.graph_of(path)
        with archive.readable(path):  # names of values may be anything
            network = GraphNetwork(graph)
        checked(network, tuple(shape))
        tried(network, tuple(shape))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except Unfit as unfit:
        raise UserError(f"The network in {path} cannot be used: {unfit}.") from None
    return network
