"""Which of the things in a checkpoint are the network's weights."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from smd.errors import UserError
from smd.weights.limits import shown, some

# where several lie in one file, the first of these is taken; names that are not listed come next,
# the one with the most tensors first, averages last
ORDER = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net_state_dict",
    "net",
    "network",
    "params",
    "weights",
    "module",
)
AVERAGES = ("ema", "swa", "average", "teacher")
OTHERS = ("optim", "sched", "scaler", "amp")
DEEPEST = 3
Path_ = tuple[str, ...]


def state_dict(path: Path, stored: Any) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The network's tensors in what a file holds, and sentences on what lay around them.

    Raises UserError where there are none, or where they are of a kind that no network takes.
    """
    places = sorted(_places(stored, ()), key=_rank)
    if not places:
        raise UserError(
            f"{path} holds no weights by name: save them with torch.save(model.state_dict(), ...)."
        )
    where, values = places[0]
    tensors = {str(n): t for n, t in values.items() if isinstance(t, Tensor) and isinstance(n, str)}
    for name, tensor in tensors.items():
        if problem := _problem(tensor):
            raise UserError(f"{path} holds {problem} ({shown(name)}): save plain weights.")
    left = [name for name in values if name not in tensors]
    return tensors, tuple(_notes(stored, where, [place for place, _ in places[1:]], left))


def _places(stored: Any, where: Path_) -> Iterator[tuple[Path_, Mapping[Any, Any]]]:
    """Every dictionary that is at least half of tensors, with the keys that lead to it."""
    if not isinstance(stored, dict):
        return
    tensors = sum(isinstance(t, Tensor) and isinstance(n, str) for n, t in stored.items())
    if tensors and 2 * tensors >= len(stored):
        yield where, stored
        return
    for name, value in stored.items():
        other = not isinstance(name, str) or any(part in name.lower() for part in OTHERS)
        if len(where) < DEEPEST and not other:
            yield from _places(value, (*where, name))


def _rank(place: tuple[Path_, Mapping[Any, Any]]) -> tuple[bool, int, int]:
    where, values = place
    average = any(part in name.lower() for name in where for part in AVERAGES)
    known = max((ORDER.index(name) if name in ORDER else len(ORDER) for name in where), default=0)
    return average, known, -len(values)


def _problem(tensor: Tensor) -> str:
    """What is wrong with a tensor; "" if it is plain numbers."""
    if type(tensor) not in (Tensor, nn.Parameter) or tensor.layout != torch.strided:
        return "sparse or special tensors"
    if tensor.is_quantized:
        return "quantised tensors"
    return "tensors without numbers" if tensor.device.type != "cpu" else ""


def _notes(stored: Mapping[Any, Any], where: Path_, also: list[Path_], left: list[Any]) -> Any:
    if where:
        yield f"The weights under '{_joined(where)}' were taken."
    if also:
        yield f"Other weights lie in the file and were left out: {some(list(map(_joined, also)))}."
    if beside := [name for name in stored if where and name != where[0]]:
        beside = [name for name in beside if not any(name == other[0] for other in also)]
        if beside:
            yield f"Beside them lie, and were left out: {some(beside)}."
    if left:
        yield f"What is no tensor was left out: {some(left)}."


def _joined(where: Path_) -> str:
    return ".".join(map(shown, where))
