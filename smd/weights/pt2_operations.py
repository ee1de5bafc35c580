"""Finding what a node of a .pt2 file computes, in the table of known operations."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from smd.weights.graph import HERE
from smd.weights.limits import Unfit, shown
from smd.weights.pt2_table import FACTORIES, IN_PLACE, KNOWN, names

LINEAR = {"linear": (0, 1), "matmul": (0, 1), "mm": (0, 1), "addmm": (1, 2)}  # input and weight
VIEWS = ("view", "_unsafe_view")  # of tensors that may lie in memory otherwise than exported
RANDOM = {"train": "dropout", "training": "batch norm"}  # arguments that say train mode
LARGEST_WHOLE = 2**62
PARTS, MOST = ("split", "unbind"), 4096


@dataclass(frozen=True)
class Operation:
    """A computation that is known, as the file names it."""

    title: str
    does: Callable[..., Any]
    words: Mapping[str, Any] = field(default_factory=dict)
    in_place: bool = False

    def linear(self, args: tuple[Any, ...]) -> Any:
        """The input and the weight of a linear layer among its arguments; () for others."""
        at = LINEAR.get(self.title)
        return (args[at[0]], args[at[1]]) if at and len(args) > max(at) else ()


def find(target: str, given: Mapping[str, Any]) -> Operation:
    """The operation of that name with its arguments by name; raises Unfit if it is not known."""
    if target in SIZES:
        return Operation(target, SIZES[target])
    parts = target.split(".")
    if len(parts) != 5 or parts[:3] != ["torch", "ops", "aten"]:
        raise Unfit(f"it uses {shown(target)}, which is not in the table of known operations")
    _, _, _, name, overload = parts
    if name in IGNORED:
        return Operation(name, _nothing)
    if name not in KNOWN | IN_PLACE or "out" in overload:
        raise Unfit(f"it uses {shown(target)}, which is not in the table of known operations")
    for word, layer in RANDOM.items():
        if given.get(word) is True:
            raise Unfit(f"its {layer} is in train mode: export it after model.eval()")
    if name in VIEWS:
        return Operation(name, torch.reshape)
    packet = getattr(torch.ops.aten, name)
    if overload not in packet.overloads():
        raise Unfit(f"it uses {shown(target)}, which this version of torch does not have")
    if name in PARTS:
        return Operation(name, _few(name, getattr(packet, overload)))
    here = {"device": HERE} if name in FACTORIES and "device" not in given else {}
    return Operation(name, getattr(packet, overload), here, name in IN_PLACE)


IGNORED = ("_assert_scalar", "sym_constrain_range", "sym_constrain_range_for_size")


def _nothing(*given: Any, **words: Any) -> None:
    """Stands for a check of sizes, which the operations themselves do too."""


def _few(name: str, compute: Callable[..., Any]) -> Callable[..., Any]:
    """A cut into parts along an axis, refused before it makes millions of them."""

    def bounded(x: torch.Tensor, *rest: Any) -> Any:
        size, *axis = (1, *rest) if name == "unbind" else rest
        if isinstance(size, int) and x.shape[axis[0] if axis else 0] > MOST * size:
            raise ValueError("it is cut into more parts than any network needs")
        return compute(x, *rest)

    return bounded


def _of_sizes(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Arithmetic on sizes alone, of numbers that stay numbers of a tensor's size."""

    def bounded(a: Any, b: Any) -> Any:
        result = compute(a, b)
        if not isinstance(result, int | float) or abs(result) > LARGEST_WHOLE:
            raise ValueError("a size that no tensor has")
        return result

    return bounded


def _item(values: Any, place: int) -> Any:
    return values[place]


SIZES: dict[str, Callable[..., Any]] = {
    f"_operator.{name}": _of_sizes(getattr(operator, name))
    for name in names("add sub mul floordiv mod truediv eq ne le ge lt gt and_ or_")
} | {"_operator.getitem": _item, "_operator.neg": operator.neg}
