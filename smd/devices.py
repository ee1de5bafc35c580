"""Devices by name ("auto", "cpu", "cuda:1", ...) and the slots that jobs take turns at.

A slot is where one job works at a time: a GPU, or the CPU, of which `SMD_DEVICES=cpu:2` makes two
slots, "cpu" and "cpu:1". "ray" and "slurm" are no devices of this machine: a cluster finds one, and
has a slot for every job that may be there at a time. torch is asked only where a device is used.
"""

import os
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING

from smd import hardware
from smd.errors import UserError

if TYPE_CHECKING:
    import torch

AUTO = "auto"  # any free device; where nothing is said of which, a GPU if there is one
CHOICE = "auto, cpu, cuda, cuda:1, mps, ray or slurm"  # as messages list them
NAME = re.compile(r"[a-z]{1,16}(:[0-9]{1,3})?")  # what stored configs may hold, also of later kinds
KNOWN = re.compile(r"auto|cpu|mps|ray|slurm|cuda(:[0-9]+)?")
SETTING = "SMD_DEVICES"  # which devices may be used
ALL = "all"
# a cluster's address, which "auto" means then: ray://host:10001, ray, slurm
CLUSTER = "SMD_CLUSTER"
AWAY = ("ray", "slurm")  # clusters
AT_ONCE = 16  # jobs that may be at a cluster at a time, unless SMD_DEVICES says otherwise
WORD = re.compile(
    r"(?:cuda:)?(?P<gpu>[0-9]{1,3})|(?P<kind>cpu|ray|slurm)(?::(?P<jobs>[1-9][0-9]?))?|mps"
)
# in a job's environment: its slots, each with the number of the open file that locks it
TURN = "SMD_TURN"
# the slots of the job in this process
GIVEN: ContextVar[tuple[str, ...]] = ContextVar("given", default=())


def is_name(text: str) -> bool:
    """Whether a text has the form of a device's name; this version need not know the device."""
    return bool(NAME.fullmatch(text))


def problems(name: str) -> list[str]:
    """What is wrong with a device that somebody asks for: a sentence, or nothing."""
    if not KNOWN.fullmatch(name):
        return [f"There is no device '{name}': write {CHOICE}."]
    try:
        if slots(name):
            return []
    except UserError as error:
        return [str(error)]
    return [f"{SETTING}={_setting()} leaves {name} out: choose auto, or set {SETTING} otherwise."]


def queue(name: str) -> str:
    """The name of a device by which it is one with others: "cuda" is "cuda:0"."""
    return "cuda:0" if name == "cuda" else name


def pool() -> tuple[str, ...]:
    """The slots that "auto" means: those of SMD_DEVICES, else the cluster of SMD_CLUSTER, else
    every GPU that is seen, else the CPU.

    Cheap. Raises UserError where SMD_DEVICES cannot be understood.
    """
    if guessed():
        return ("cpu",)
    if not _setting():
        if kind := cluster():
            return _numbered(kind, AT_ONCE)
        return tuple(f"cuda:{k}" for k in range(len(hardware.visible())))
    return tuple(dict.fromkeys(s for word in _setting().split(",") for s in _slots(word.strip())))


def _setting() -> str:
    text = os.environ.get(SETTING, "").strip()
    return "" if text == ALL else text


def chosen() -> bool:
    """Whether somebody has said which devices may be used."""
    return bool(_setting())


def guessed() -> bool:
    """Whether "the CPU" is only what is left: nothing is said and no GPU is seen, but torch may
    know one, such as AMD's or Apple's."""
    return not _setting() and not cluster() and not hardware.visible()


def cluster() -> str:
    """The kind of the cluster that SMD_CLUSTER names, one of AWAY; "" where it names none."""
    address = os.environ.get(CLUSTER, "").strip()
    return (address if address == "slurm" else "ray") if address else ""


def away(name: str) -> bool:
    """Whether a device or slot is a cluster's, and so none of this machine's."""
    return device_of(name) in AWAY


def _slots(word: str) -> list[str]:
    found = WORD.fullmatch(word)
    if not found:
        raise UserError(
            f"{SETTING} is '{_setting()[:60]}': write all, numbers of GPUs such as 0,1, cpu, ray or"
            " slurm; cpu:2 lets two jobs at a time use the CPU."
        )
    if found["gpu"]:
        return [f"cuda:{int(found['gpu'])}"]
    if not found["kind"]:
        return [word]
    return [*_numbered(found["kind"], int(found["jobs"] or (1 if word == "cpu" else AT_ONCE)))]


def _numbered(kind: str, count: int) -> tuple[str, ...]:
    return (kind, *(f"{kind}:{k}" for k in range(1, count)))


def slots(name: str) -> tuple[str, ...]:
    """The slots that a job may take which asks for that device; none where SMD_DEVICES leaves it
    out."""
    if name == AUTO:
        return pool()
    found = tuple(slot for slot in pool() if device_of(slot) == queue(name))
    if found or _setting():
        return found
    return _numbered(name, AT_ONCE) if away(name) else (queue(name),)


def device_of(slot: str) -> str:
    """The device that a job uses at a slot, as torch names it; of a cluster's, which one."""
    kind = slot.partition(":")[0]
    return kind if kind in ("cpu", *AWAY) else slot


def lock_name(slot: str) -> str:
    """By which a slot's locks are named: a GPU by its number or identifier in this machine, as
    cuda:0 is another one where CUDA_VISIBLE_DEVICES says so."""
    kind, _, index = slot.partition(":")
    seen = hardware.visible() if kind == "cuda" else ()
    return f"cuda:{seen[int(index)]}" if index and int(index) < len(seen) else slot


def given() -> tuple[str, ...]:
    """The slots that this process's job was given; () where it was given none."""
    slots = GIVEN.get() or tuple(os.environ.get(TURN, "").split()[::2])
    return slots if all(map(is_name, slots)) else ()


def _meant() -> str:
    """The device that "auto" is in this process; still "auto" where torch is to choose."""
    if guessed() or not (given() or _setting()):
        return AUTO
    slot = (given() or pool())[0]
    return AUTO if away(slot) else device_of(slot)


def resolve_device(name: str) -> "torch.device":
    """The device that "auto" means here, or the named one; raises UserError if this machine lacks
    it.

    "auto" is what the job in this process was given, else the first that may be used.
    """
    import torch

    name = _meant() if name == AUTO else name
    if away(name):
        raise UserError(f"This is done on this machine, not by {name}: write --device auto or cpu.")
    if not KNOWN.fullmatch(name):
        raise UserError(f"There is no device '{name[:60]}': write {CHOICE}.")
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
