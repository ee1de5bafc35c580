"""Devices by name ("auto", "cpu", "cuda:1", ...); torch is asked only where one is used."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from smd.errors import UserError

if TYPE_CHECKING:
    import torch

AUTO = "auto"  # the first GPU if there is one, else the CPU
CHOICE = "auto, cpu, cuda, cuda:1 or mps"  # as messages list them
NAME = re.compile(r"[a-z]{1,16}(:[0-9]{1,3})?")  # what stored configs may hold, also of later kinds
KNOWN = re.compile(r"auto|cpu|mps|cuda(:[0-9]+)?")
NVIDIA = (Path("/dev/nvidia0"), Path("/proc/driver/nvidia/gpus"))


def is_name(text: str) -> bool:
    """Whether a text has the form of a device's name; this version need not know the device."""
    return bool(NAME.fullmatch(text))


def problems(name: str) -> list[str]:
    """What is wrong with a device that somebody asks for: a sentence, or nothing."""
    if KNOWN.fullmatch(name):
        return []
    return [f"There is no device '{name}': write {CHOICE}."]


def queue(name: str) -> str:
    """The name of the queue that serves a device: "cpu", "cuda:0", ...

    "auto" is guessed without torch. A wrong guess only names the queue wrongly: the job itself
    locks the device that it really uses.
    """
    if name == AUTO:
        return "cuda:0" if any(path.exists() for path in NVIDIA) else "cpu"
    return "cuda:0" if name == "cuda" else name


def resolve_device(name: str) -> "torch.device":
    """The device that "auto" means here, or the named one; raises UserError if this machine lacks
    it."""
    import torch

    if name != AUTO:
        kind, _, index = name.partition(":")
        missing = kind == "cuda" and int(index or 0) >= torch.cuda.device_count()
        if missing or (kind == "mps" and not torch.backends.mps.is_available()):
            raise UserError(
                f"This machine has no device {name} that torch can use: write --device auto or cpu."
            )
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda:0")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
