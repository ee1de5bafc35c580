"""Several devices for one job: how many it asks for, and at which slots it works then.

A job asks for one device ("" or "1"), for a count of them ("4"), for GPUs by their numbers ("0,1")
or for "all" that its device allows. On the CPU a count is that many processes, which share its
cores.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from smd import devices
from smd.devices import ALL, AUTO
from smd.errors import UserError

ONE = ("", "1")
COUNT = re.compile(r"[1-9][0-9]{0,2}")
THREADS = "OMP_NUM_THREADS"
LIST = re.compile(r"[0-9]{1,3}(,[0-9]{1,3})+")
HELP = "all, a count such as 4, or numbers of GPUs such as 0,1"  # as messages list them


@dataclass(frozen=True)
class Need:
    """What a job needs of the slots."""

    slots: tuple[str, ...]  # where it may work, in the order in which they are locked
    count: int  # of these, which it has all at once
    processes: int  # that share them
    lacking: str = ""  # why it cannot have so many here, in a sentence


def is_text(text: str) -> bool:
    """Whether a text has the form of what a job may ask for."""
    return text in (*ONE, ALL) or bool(COUNT.fullmatch(text) or LIST.fullmatch(text))


def is_count(text: str) -> bool:
    """Whether it asks for so many devices, more than one, whichever they are."""
    return text not in ONE and bool(COUNT.fullmatch(text))


def named(text: str) -> tuple[str, ...]:
    """The GPUs that a list names, "0,1"; () where it is a count or all."""
    numbers = text.split(",") if LIST.fullmatch(text) else ()
    return tuple(f"cuda:{int(number)}" for number in numbers)


def device(name: str, text: str) -> str:
    """The device that a job means: its several processes work on the CPU where "auto" would leave
    the choice to torch."""
    return "cpu" if name == AUTO and text not in ONE and devices.guessed() else name


def need(text: str, slots: Sequence[str]) -> Need:
    """What a job needs that asks for so many devices and may work at those slots.

    Several devices are of one kind: the GPUs where there are any, else the CPU.
    """
    if text in ONE or not is_text(text) or any(map(devices.away, slots)):
        return Need(tuple(slots), 1, 1)  # a cluster finds the devices itself
    if wanted := named(text):
        gone = [each for each in wanted if each not in slots]
        lacking = f"{gone[0]} is not among the devices that may be used here." if gone else ""
        return Need(wanted, len(wanted), len(wanted), lacking)
    gpus = tuple(slot for slot in slots if devices.device_of(slot) != "cpu")
    kind = gpus or tuple(slots)
    asked = len(kind) if text == ALL else int(text)
    if gpus:
        lacking = "" if asked <= len(gpus) else _too_many(asked, len(gpus), "GPU")
        return Need(gpus, asked, asked, lacking)
    return Need(kind, min(asked, len(kind)), asked)


def _too_many(asked: int, has: int, what: str) -> str:
    has_them = f"{has} {what}{'s' * (has != 1)}"
    return f"{asked} devices are asked for and {has_them} may be used: ask for at most {has}."


def problems(text: str, name: str) -> list[str]:
    """What is wrong with so many devices for a job whose device is that: a sentence, or nothing."""
    if text in ONE:
        return []
    if not is_text(text):
        return [f"\"Devices\" is '{text[:60]}': write {HELP}."]
    if kind := cluster_of(name):
        return _not_on(kind, text)
    if name not in (AUTO, "cpu"):
        return [f"Several devices were asked for ({text}) and {name} is one: let --device be auto."]
    if (wanted := named(text)) and name == "cpu":
        return [f"{text} are numbers of GPUs: on the CPU write a count of processes, such as 2."]
    if len(set(wanted)) < len(wanted):
        return [f"A device is named twice in {text}: write each once."]
    return _lacking(text, name)


def cluster_of(name: str) -> str:
    """The kind of the cluster that a job with that device goes to, "" to none."""
    try:
        slots = devices.slots(name)
    except UserError:  # the sentence on the device itself says it
        return ""
    there = devices.device_of(slots[0]) if slots else ""
    return there if devices.away(there) else ""


def _not_on(kind: str, text: str) -> list[str]:
    if kind == "slurm":
        return ["A job on Slurm has one node: leave --devices out."]
    right = COUNT.fullmatch(text)
    return [] if right else [f"On a cluster write a count of devices, such as 4, not {text}."]


def _lacking(text: str, name: str) -> list[str]:
    try:
        found = need(text, devices.slots(name))
    except UserError:  # the sentence on the device itself says it
        return []
    if not found.lacking and devices.device_of(found.slots[0] if found.slots else "cpu") == "cpu":
        cores = os.cpu_count() or 1
        return [_too_many(found.processes, cores, "core")] if found.processes > cores else []
    return [found.lacking] if found.lacking else []


def shares(need: Need) -> dict[str, str]:
    """What the environment of each of a job's processes tells of its share of the cores, unless
    the person or a worker has said it; on a GPU nothing."""
    on_cpu = all(devices.device_of(slot) == "cpu" for slot in need.slots[: need.count])
    together = sum(devices.device_of(slot) == "cpu" for slot in devices.pool())
    alone = need.processes == 1 and together < 2
    if not on_cpu or alone or os.environ.get(THREADS):
        return {}
    return {THREADS: str(threads(need, together))}


def threads(need: Need, together: int) -> int:
    """The cores that each of a job's processes has on the CPU, at least 1; together: slots that the
    CPU has in all."""
    cores = (os.cpu_count() or 1) * need.count
    return max(1, cores // (max(together, need.count) * need.processes))
