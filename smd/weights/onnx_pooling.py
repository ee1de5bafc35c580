"""ONNX operators that slide a window: its reach and margins, and pooling."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from smd.weights.limits import Unfit
from smd.weights.onnx_shapes import padded

Attributes = Mapping[str, Any]
MAXIMA = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
MEANS = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


@dataclass(frozen=True)
class Window:
    """A window over one to three axes."""

    kernel: list[int]
    strides: list[int]
    dilations: list[int]


def reach(given: Attributes, kernel: list[int]) -> Window:
    """The window of an operator; steps of one where it names none."""
    ones = [1] * len(kernel)
    return Window(kernel, list(given.get("strides", ones)), list(given.get("dilations", ones)))


def margins(given: Attributes, x: Tensor, window: Window) -> list[tuple[int, int]]:
    """How much is added at the beginning and the end of every axis of the maps."""
    axes = len(window.kernel)
    way = given.get("auto_pad", "NOTSET")
    if way == "NOTSET":
        pads = list(given.get("pads", [0] * 2 * axes))
        return list(zip(pads[:axes], pads[axes:], strict=True))
    if way == "VALID":
        return [(0, 0)] * axes
    around = []
    for k in range(axes):
        covered = window.dilations[k] * (window.kernel[k] - 1) + 1
        steps = -(-x.shape[2 + k] // window.strides[k])
        more = max(0, (steps - 1) * window.strides[k] + covered - x.shape[2 + k])
        less, rest = more // 2, more - more // 2
        around.append((less, rest) if way == "SAME_UPPER" else (rest, less))
    return around


def max_pool(given: Attributes, x: Tensor) -> Tensor:
    """The largest of every window."""
    window = reach(given, list(given["kernel_shape"]))
    around = margins(given, x, window)
    if any(
        around[k] != (around[k][0],) * 2 or 2 * around[k][0] > n
        for k, n in enumerate(window.kernel)
    ):
        x = padded(x, [(0, 0), (0, 0), *around], "constant", -torch.inf)
        around = [(0, 0)] * len(around)
    begin = [first for first, _ in around]
    upward = bool(given.get("ceil_mode", 0))
    pool = MAXIMA[x.dim() - 2]
    return pool(x, window.kernel, window.strides, begin, window.dilations, upward)


def average_pool(given: Attributes, x: Tensor) -> Tensor:
    """The mean of every window, with or without what was added around the maps."""
    window = reach(given, list(given["kernel_shape"]))
    around = margins(given, x, window)
    counted, upward = bool(given.get("count_include_pad", 0)), bool(given.get("ceil_mode", 0))
    if set(window.dilations) != {1}:
        raise Unfit("its AveragePool has dilations, which torch does not have")
    pool = MEANS[x.dim() - 2]
    if all(
        first == last and 2 * first <= n
        for (first, last), n in zip(around, window.kernel, strict=True)
    ):
        begin = [first for first, _ in around]
        return pool(x, window.kernel, window.strides, begin, upward, counted)
    if upward:
        raise Unfit("its AveragePool pads unevenly and rounds up, which is not known")
    wide = [(0, 0), (0, 0), *around]
    total = pool(padded(x, wide, "constant"), window.kernel, window.strides)
    if counted:
        return total
    inside = padded(torch.ones_like(x[:1, :1]), wide, "constant")
    return total / pool(inside, window.kernel, window.strides)


def global_average(given: Attributes, x: Tensor) -> Tensor:
    """The mean of every map."""
    return x.mean(list(range(2, x.dim())), keepdim=True)


def global_max(given: Attributes, x: Tensor) -> Tensor:
    """The largest number of every map."""
    return x.amax(list(range(2, x.dim())), keepdim=True)


OPERATIONS: dict[str, Any] = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average,
    "GlobalMaxPool": global_max,
}
