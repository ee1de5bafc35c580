"""Files of torch.save, read without running anything that stands in them."""

import re
import warnings
from pathlib import Path
from typing import Any

import torch

from smd.errors import UserError
from smd.files import foreign
from smd.weights import archive
from smd.weights.limits import HOW, LARGEST

WANTED = re.compile(r"GLOBAL ([\w.]{1,80})")


def values(path: Path) -> Any:
    """What torch.save wrote, on the CPU: tensors, numbers, texts and containers of these.

    Raises UserError for all that holds more than these (a pickled module, code), for TorchScript,
    and for what is damaged; OSError if there is no such file.
    """
    with foreign.opened(path, LARGEST) as file:
        start = file.read(4)
        file.seek(0)
        if start != archive.MAGIC:
            return _loaded(path, file)
    with archive.listed(path) as zipped:
        _refuse_others(path, archive.names(zipped))
        copy = archive.repacked(zipped)
    return _loaded(path, copy)


def _refuse_others(path: Path, names: set[str]) -> None:
    if "archive_format" in names or "serialized_exported_program.json" in names:
        raise UserError(f"{path} is a whole network of torch.export: let its name end in .pt2.")
    if "data.pkl" not in names:
        raise UserError(
            f"{path} is an archive, but not of torch.save: save its weights with {HOW}."
        )


def _loaded(path: Path, file: Any) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old formats
            return torch.load(file, map_location="cpu", weights_only=True)
    except MemoryError:
        raise UserError(f"{path} does not fit into this machine's memory.") from None
    except Exception as error:  # the parser raises nearly anything at what is broken
        raise UserError(_reason(path, str(error))) from None


def _reason(path: Path, message: str) -> str:
    """Why it was not read, as a sentence."""
    wanted = WANTED.search(message)
    if wanted:
        return (
            f"{path} holds more than tensors ({wanted[1]}), which would run code, so nothing of it"
            f" was loaded: where you trust it, open it in Python and save its weights alone: {HOW}."
        )
    if "Weights only load failed" in message or "weights_only" in message:
        return (
            f"{path} is no file of torch.save, or holds more than tensors, so nothing of it was"
            f" loaded: save its weights alone: {HOW}."
        )
    why = (message.splitlines() or ["no tensors"])[0][:200]
    return f"{path} is damaged or no file of weights ({why}): save or download it again."
