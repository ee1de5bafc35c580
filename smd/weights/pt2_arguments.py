"""Arguments of operations in a .pt2 file: its JSON as values of Python."""

from typing import Any

import torch

from smd.weights.graph import HERE, Name
from smd.weights.limits import Unfit, shown

# the numbers of torch's schema of exported programs, version 8
DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
STRIDED = 7
PLAIN = ("as_int", "as_float", "as_string", "as_bool")
LISTS = {
    "as_ints": int,
    "as_floats": float,
    "as_bools": bool,
    "as_strings": str,
}
INFINITE = {"Infinity": float("inf"), "-Infinity": float("-inf"), "NaN": float("nan")}


def value_of(argument: dict[str, Any]) -> Any:
    """The value of an argument, Names for what the graph computes; raises Unfit for one that no
    operation in the table takes."""
    ((kind, value),) = argument.items()
    if kind == "as_none":
        return None
    if kind == "as_float":
        return INFINITE[value] if isinstance(value, str) else float(value)
    if kind in PLAIN and isinstance(value, int | str | bool):
        return value
    if kind in LISTS:
        return [LISTS[kind](each) for each in value]
    if kind == "as_tensor":
        return Name(value["name"])
    if kind in ("as_tensors", "as_optional_tensors", "as_sym_ints", "as_sym_floats"):
        return [_each(part) for part in value]
    if kind in ("as_sym_int", "as_sym_bool", "as_sym_float", "as_optional_tensor"):
        return _each(value)
    return _of_torch(kind, value)


def _each(part: dict[str, Any]) -> Any:
    """A part of a list: a value's name, a number or nothing."""
    if "name" in part:
        return Name(part["name"])
    ((kind, value),) = part.items()
    return Name(value) if kind == "as_name" else value_of({kind: value})


def _of_torch(kind: str, value: Any) -> Any:
    """Kinds of numbers, layouts, memory formats and devices."""
    if kind == "as_scalar_type" and value in DTYPES:
        return DTYPES[value]
    if kind == "as_memory_format" and value in FORMATS:
        return FORMATS[value]
    if kind == "as_layout" and value == STRIDED:
        return torch.strided
    if kind == "as_device":
        return HERE  # wherever it was exported, it computes where the images are
    raise Unfit(f"an operation takes {shown(kind)}, and only tensors and numbers are known")
