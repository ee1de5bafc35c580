"""The devices of this machine and what is done with each: memory, the jobs at work, the queue."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smd import devices, hardware, jobs, several
from smd.jobs import REMOTE_PATIENCE, Status, clocks, device_check, listing, turns
from smd.jobs.gathering import STARTING

Active = Sequence[tuple[Path, Status]]  # jobs that wait or run, by their folders


@dataclass(frozen=True)
class Device:
    """One device that jobs may use."""

    name: str  # as a job's config names it
    title: str  # "NVIDIA H100 80GB HBM3", "8 cores"; "" where nobody tells
    total: int = 0  # bytes of its memory, the machine's for the CPU; 0: not told
    free: int = 0
    at_once: int = 1  # jobs that may work there at a time
    problem: str = ""  # why "auto" passes it by
    working: list[Path] = field(default_factory=list)  # the jobs at work there
    waiting: int = 0  # jobs that ask for it by name

    @property
    def what(self) -> str:
        """What it is, and how many jobs it takes where that is not one."""
        several = f"{self.at_once} jobs at a time" if self.at_once > 1 else ""
        return ", ".join(filter(None, (self.title, several)))


def active() -> Active:
    """All jobs that wait or run, of everybody in this folder of runs. Cheap: what is over is read
    again only once its status has been written again."""
    folders = [folder for run in listing.runs() for folder in (run, *listing.on_run(run))]
    _forget_others(folders)
    return [(folder, status) for folder in folders if (status := _active(folder))]


def _forget_others(folders: Iterable[Path]) -> None:
    """Let go of what is known of folders that are no longer listed."""
    kept = set(folders)
    for gone in [each for each in tuple(_over) if each not in kept]:
        _over.pop(gone, None)
    clocks.forget_others(kept)


_over: dict[Path, int] = {}  # jobs that were over, with the time when their status was written


def _active(folder: Path) -> Status | None:
    try:
        written = (folder / "status.json").stat().st_mtime_ns
    except OSError:
        return None  # unreadable, which reads as failed
    if _over.get(folder) == written:
        return None
    status = jobs.read(folder)
    if status.state in ("queued", "running"):
        return status
    if status.state != "lost":  # which may be heard of again
        _over[folder] = written
    return None


def offered() -> list[str]:
    """The devices that a job may ask for by name: those that "auto" means, and the CPU unless
    SMD_DEVICES leaves it out. Cheap; raises UserError as devices.pool does."""
    names = [devices.device_of(slot) for slot in devices.pool()]
    return list(dict.fromkeys([*names, *([] if devices.chosen() else ["cpu"])]))


def described(now: Active) -> list[Device]:
    """Every device that may be used, or that a job uses or waits for; raises UserError as
    `offered`.

    now: as `active` tells. Asks nvidia-smi, which may take a second.
    """
    used = [name for _, status in here(now) for name in at(status) if name != "auto"]
    return [_described(name, now) for name in dict.fromkeys([*offered(), *used])]


def _described(name: str, now: Active) -> Device:
    own = [(f, s) for f, s in here(now) if name in at(s)]
    working = [folder for folder, status in own if taken(status)]
    title, total, free = about(name)
    return Device(
        name,
        title,
        total,
        free,
        max(1, len(devices.slots(name))),
        device_check.known(name),
        working,
        len(own) - len(working),
    )


def about(name: str) -> tuple[str, int, int]:
    """What a device is in words, its memory and what is free of it, in bytes; "" and 0 where that
    is not told."""
    if name == "cpu":
        return hardware.processor()
    if devices.away(name):
        return f"a {name.capitalize()} cluster", 0, 0
    gpu = hardware.gpu(devices.lock_name(name).partition(":")[2])
    return (gpu.name, gpu.total, gpu.free) if gpu else ("", 0, 0)


def here(now: Active) -> list[tuple[Path, Status]]:
    """Those that run on this machine, or wait for it."""
    host = platform.node()
    return [(f, s) for f, s in now if (s.host or s.by.rpartition("@")[2] or host) == host]


def at(status: Status) -> tuple[str, ...]:
    """The devices that a job works at, or waits for; "auto": any free ones."""
    if taken(status) and status.slots:
        return tuple(dict.fromkeys(map(devices.device_of, status.slots.split())))
    if not taken(status) and (named := several.named(status.devices)):
        return named
    return (devices.queue(status.device),)


def told(status: Status) -> str:
    """Where a job works, or what it waits for, in words; "" where that is any device."""
    if several.is_count(status.devices) and not taken(status):
        return f"{status.devices} devices"
    return "" if at(status) == ("auto",) else ", ".join(at(status))


def most(device: str) -> int:
    """How many a job may ask for there: GPUs, or processes on the CPU; errors as of `at_once`."""
    found = several.need(devices.ALL, turns.slots(device)).slots
    on_cpu = all(devices.device_of(slot) == "cpu" for slot in found)
    return os.cpu_count() or 1 if on_cpu else len(found)


def at_once(device: str, asked: str) -> int:
    """How many such jobs may work here at a time, at least 1; device and asked: as their configs
    name them. Raises UserError as devices.pool does."""
    need = several.need(asked, turns.slots(device))
    return max(1, len(need.slots) // need.count)


def taken(status: Status) -> bool:
    """Whether a job has its device: it runs, or is being started there."""
    return status.state == "running" or (status.pid > 0 and status.stage == STARTING)


def for_any(now: Active) -> int:
    """How many wait here for any free device."""
    return sum(s.state == "queued" and not taken(s) and at(s) == ("auto",) for _, s in here(now))


def elsewhere(now: Active) -> str:
    """A sentence on what other machines do with this folder of runs; "" where there are none."""
    own = {folder for folder, _ in here(now)}
    hosts = sorted({_host(status) for folder, status in now if folder not in own})
    if not hosts:
        return ""
    count = sum(folder not in own for folder, _ in now)
    return (
        f"{count} more {'job is' if count == 1 else 'jobs are'} of {_listed(hosts)}: what another"
        f" machine runs counts as lost {REMOTE_PATIENCE / 60:.0f} minutes after its last sign of"
        " life."
    )


def _host(status: Status) -> str:
    return status.host or status.by.rpartition("@")[2]


def _listed(hosts: Iterable[str]) -> str:
    return ", ".join(host[:60] for host in hosts)
