"""ONNX operators that arrange numbers anew, and those that compute sizes."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from smd.weights.limits import Unfit
from smd.weights.onnx_values import ints, together

Attributes = Mapping[str, Any]
LARGEST = 2**24  # numbers that are made of sizes alone


def _axes(given: Attributes, axes: Tensor | None) -> list[int]:
    """Axes: an attribute at first, an input in later versions."""
    return ints(axes) if axes is not None else list(given.get("axes", []))


def _bounded(count: float) -> None:
    if not 0 <= count <= LARGEST:
        raise Unfit("it makes a tensor larger than any network needs")


def reshape(given: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    """In that shape, where 0 stands for the axis as it is and -1 for what remains."""
    sizes = ints(shape)
    if not given.get("allowzero", 0):
        sizes = [x.shape[k] if size == 0 else size for k, size in enumerate(sizes)]
    return x.reshape(sizes)


def flatten(given: Attributes, x: Tensor) -> Tensor:
    """Two axes, cut before `axis`."""
    axis = given.get("axis", 1)
    axis = axis + x.dim() if axis < 0 else axis
    return x.reshape(x.shape[:axis].numel(), -1)


def squeeze(given: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    """Without the axes of size one, or those of them that are listed."""
    listed = _axes(given, axes)
    return x.squeeze(listed) if listed else x.squeeze()


def unsqueeze(given: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    """With new axes of size one, counted in the result."""
    listed = _axes(given, axes)
    for axis in sorted(axis % (x.dim() + len(listed)) for axis in listed):
        x = x.unsqueeze(axis)
    return x


def transpose(given: Attributes, x: Tensor) -> Tensor:
    """With its axes in another order, turned round where none is given."""
    return x.permute(list(given.get("perm", range(x.dim())[::-1])))


def concat(given: Attributes, *tensors: Tensor) -> Tensor:
    """One after the other."""
    return torch.cat(tensors, given["axis"])


def split(given: Attributes, x: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, ...]:
    """In parts of given sizes, or in equal ones, the last one smaller."""
    axis = given.get("axis", 0)
    listed = ints(sizes) if sizes is not None else list(given.get("split", []))
    return x.split(listed or -(-x.shape[axis] // given["outputs"]), axis)


def slices(given: Attributes, x: Tensor, *inputs: Tensor) -> Tensor:
    """Parts along axes: starts, ends, axes and steps; attributes before version 10."""
    if inputs:
        starts, ends, *others = (ints(each) for each in inputs)
    else:
        starts, ends = list(given["starts"]), list(given["ends"])
        others = [list(given.get("axes", []))]
    axes = (others[0] if others else []) or list(range(len(starts)))
    steps = (others[1] if len(others) > 1 else []) or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        x = _slice(x, start, end, axis, step)
    return x


def _slice(x: Tensor, start: int, end: int, axis: int, step: int) -> Tensor:
    chosen = range(x.shape[axis])[slice(start, end, step)]
    if step > 0:
        return x.narrow(axis, 0, 0) if not chosen else _positive(x, chosen, axis)
    turned = x.flip(axis)
    last = x.shape[axis] - 1
    return _positive(turned, range(last - chosen.start, last - chosen.stop, -step), axis)


def _positive(x: Tensor, chosen: range, axis: int) -> Tensor:
    before = (slice(None),) * (axis % x.dim())
    return x[(*before, slice(chosen.start, chosen.stop, chosen.step))]


def gather(given: Attributes, x: Tensor, places: Tensor) -> Tensor:
    """The entries at those places of an axis."""
    axis = given.get("axis", 0) % x.dim()
    places = torch.where(places < 0, places + x.shape[axis], places)
    chosen = x.index_select(axis, places.flatten().to(x.device))
    return chosen.reshape([*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]])


def scatter(given: Attributes, x: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """A copy with other entries at those places, whose last axis counts the axes of x."""
    if given.get("reduction", "none") != "none":
        raise Unfit("its ScatterND adds up, which is not known")
    x, places, values = together(x, places, values)
    return x.index_put(tuple(places.unbind(-1)), values)


def expand(given: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    """Broadcast with that shape."""
    sizes = torch.broadcast_shapes(x.shape, ints(shape))
    return x.expand(sizes)


def tile(given: Attributes, x: Tensor, times: Tensor) -> Tensor:
    """Repeated along every axis."""
    if x.device.type == "cpu" and not x.is_floating_point():
        _bounded(x.numel() * float(torch.Size(ints(times)).numel()))
    return x.repeat(ints(times))


def shape(given: Attributes, x: Tensor) -> Tensor:
    """Its sizes, from `start` to `end`."""
    return torch.tensor(x.shape[given.get("start", 0) : given.get("end")], dtype=torch.int64)


def size(given: Attributes, x: Tensor) -> Tensor:
    """How many numbers it has."""
    return torch.tensor(x.numel())


def constant_of_shape(given: Attributes, sizes: Tensor) -> Tensor:
    """One number everywhere."""
    value = given.get("value", torch.zeros(1))
    _bounded(float(torch.Size(ints(sizes)).numel()))
    return value.flatten()[0].expand(ints(sizes)).clone()


def count_up(given: Attributes, start: Tensor, end: Tensor, step: Tensor) -> Tensor:
    """From start to before end."""
    first, last, by = start.item(), end.item(), step.item()
    _bounded(abs((last - first) / by))
    return torch.arange(first, last, by, dtype=start.dtype)


def pad(
    given: Attributes,
    x: Tensor,
    pads: Tensor | None = None,
    value: Tensor | None = None,
    axes: Tensor | None = None,
) -> Tensor:
    """Wider at the beginning and the end of axes, by a number, the edge or its reflection."""
    widths = ints(pads) if pads is not None else list(given["pads"])
    listed = [axis % x.dim() for axis in ints(axes)] if axes is not None else list(range(x.dim()))
    around = [(0, 0)] * x.dim()
    for k, axis in enumerate(listed):
        around[axis] = (widths[k], widths[k + len(listed)])
    number = float(value) if value is not None else given.get("value", 0.0)
    return padded(x, around, given.get("mode", "constant"), number)


def padded(x: Tensor, around: list[tuple[int, int]], mode: str, number: float = 0.0) -> Tensor:
    """Wider by (begin, end) along every axis."""
    torchs = {"constant": "constant", "edge": "replicate", "reflect": "reflect"}
    if mode not in torchs:
        raise Unfit(f"its Pad has a mode {mode[:20]} that is not known")
    if mode != "constant":  # torch reflects the last axes only
        around = around[2:] if not any(map(any, around[:2])) else around
    flat = [width for pair in reversed(around) for width in pair]
    if mode == "constant":
        return F.pad(x, flat, "constant", number)
    return F.pad(x, flat, torchs[mode])


def depth_to_space(given: Attributes, x: Tensor) -> Tensor:
    """Channels as blocks of pixels."""
    side = given["blocksize"]
    if given.get("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x, side)
    b, c, h, w = x.shape
    blocks = x.reshape(b, side, side, c // side**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return blocks.reshape(b, c // side**2, h * side, w * side)


def space_to_depth(given: Attributes, x: Tensor) -> Tensor:
    """Blocks of pixels as channels."""
    side = given["blocksize"]
    b, c, h, w = x.shape
    blocks = x.reshape(b, c, h // side, side, w // side, side).permute(0, 3, 5, 1, 2, 4)
    return blocks.reshape(b, c * side**2, h // side, w // side)


OPERATIONS: dict[str, Any] = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Concat": concat,
    "Split": split,
    "Slice": slices,
    "Gather": gather,
    "ScatterND": scatter,
    "Expand": expand,
    "Tile": tile,
    "Shape": shape,
    "Size": size,
    "ConstantOfShape": constant_of_shape,
    "Range": count_up,
    "Pad": pad,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
}
