"""The weights in a file, under the names that the network itself gives them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from smd.errors import UserError
from smd.files import foreign
from smd.weights import archive, names, nesting, pickled
from smd.weights.limits import DESCRIPTION, LARGEST, refuse_inflated, shown, some
from smd.weights.networks import is_whole
from smd.weights.normalisation import taken_out

PAGE = (b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML")
POINTER = b"version https://git-lfs"


@dataclass(frozen=True, eq=False)
class Weights:
    """The tensors in a file, and what was unwrapped to find them."""

    tensors: dict[str, Tensor]  # by the network's own names, on the CPU, float32 or whole numbers
    mean: tuple[float, ...]  # of a normalisation (x - mean) / std that stood in the file, a number
    std: tuple[float, ...]  # a channel, and its deviations; () without one
    notes: tuple[str, ...]  # sentences on what was unwrapped, taken and left out
    normalisation: dict[str, Tensor] = field(default_factory=dict)  # its tensors as they stood


def read(path: str | Path) -> Weights:
    """The weights in a .safetensors, .pt, .pth, .bin, .ckpt or .tar file.

    Nesting (`state_dict`, `model`, ...) and prefixes (`module.`, ...) are removed, a normalisation
    layer is taken out. Nothing in the file is run. Raises UserError, one sentence on what to do,
    where there is none, it is no ordinary file, holds more than tensors, numbers that are not
    finite, or tensors that it does not fill.
    """
    path = Path(path)
    if is_whole(path):
        raise UserError(f"{path} is a whole network and not weights for one: import it as such.")
    try:
        size, stored = path.stat().st_size, _stored(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    state, notes = nesting.state_dict(path, stored)
    refuse_inflated(str(path), state.values(), size)
    state, prefixes = names.without_prefixes(state)
    mean, std, normalisation = taken_out(state)
    if normalisation:
        state = {name: tensor for name, tensor in state.items() if name not in normalisation}
        inside = ("1.",) if all(name.startswith("0.") for name in normalisation) else ()
        state, more = names.without_prefixes(state, inside)
        prefixes += more
        notes += (_of_normalisation(normalisation, mean, std),)
    if prefixes:
        notes += (f"Prefixes of all names were removed: {', '.join(prefixes)}",)
    tensors, converted = _in_float32(path, state)
    return Weights(tensors, mean, std, (*notes, *converted), normalisation)


def _stored(path: Path) -> Any:
    """What the file holds, by its beginning and not by its name."""
    with foreign.opened(path, LARGEST) as file:
        start = file.read(24)
        if start.startswith(PAGE):
            raise UserError(f"{path} is a web page and no file of weights: download it again.")
        if start.startswith(POINTER):
            raise UserError(f"{path} is only a pointer of git-lfs: run `git lfs pull` there.")
        if start[8:9] != b"{":
            return pickled.values(path)
        if int.from_bytes(start[:8], "little") > DESCRIPTION:
            raise UserError(f"{path} is damaged: save or download it again.")
        file.seek(0)
        with archive.readable(path):
            return safetensors.torch.load(file.read())


def _of_normalisation(tensors: dict[str, Tensor], *numbers: tuple[float, ...]) -> str:
    mean, std = (", ".join(f"{value:.4g}" for value in each) for each in numbers)
    return (
        f"A normalisation stood in the file ({some(list(tensors))}) and was taken out:"
        f" mean {mean}; std {std}."
    )


def _in_float32(path: Path, state: dict[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors with finite numbers in float32 or whole ones, and notes on what was converted."""
    tensors, kinds = {}, set()
    for name, tensor in state.items():
        if tensor.is_complex():
            raise UserError(f"{path} holds complex numbers ({shown(name)}): no network takes them.")
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            kinds.add(str(tensor.dtype).removeprefix("torch."))
            tensor = tensor.to(torch.float32)
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise UserError(
                f"{path} holds numbers that are not finite ({shown(name)}): its training went"
                " wrong, or the file is damaged."
            )
        tensors[name] = tensor.detach()
    notes = tuple(f"Weights in {kind} were converted to float32." for kind in sorted(kinds))
    return tensors, notes
