"""A background job as others see it: a folder with config.json, status.json and log.txt.

The status is always replaced as a whole, so that reading it needs no lock; `smd.jobs.transitions`
changes it.
"""

import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import psutil

from smd import devices, several
from smd.config.types import LARGEST, LONGEST
from smd.errors import UserError
from smd.files import foreign
from smd.jobs import clocks, endings, kinds, results, tickets
from smd.jobs.processes import identity

SCHEMA = 1
LATEST = 2.0**37  # seconds: the year 6325, which calendars still know
MOST = {
    **dict.fromkeys(
        ("created", "queued", "started", "ended", "heartbeat", "pid_started", "asked"), LATEST
    ),
    "pid": 2**31 - 1,
}
# seconds without a heartbeat after which a job on another host counts as lost
REMOTE_PATIENCE = 120.0
CLOCK_SLACK = 2.0  # seconds by which two readings of one process's start may differ

FORMS: Mapping[str, Callable[[str], bool]] = {
    "device": devices.is_name,
    "devices": several.is_text,
    "slots": lambda text: all(map(devices.is_name, text.split())),
}

State = Literal["queued", "running", "finished", "failed", "cancelled", "lost"]
LOST = (
    "Its process is gone (killed, out of memory, or the machine restarted): resume it to go on. If"
    " it ends like that again, a copy with a smaller batch takes less memory."
)
SILENT = (
    "Nothing was heard of {host}, which ran it, for 2 minutes: resume it to go on here, unless it"
    " still works there."
)
ELSEWHERE = (
    "It was queued in another folder or version and does not start by itself: resume it to run it"
    " here."
)
NEWER = "It was written by a newer version of SMD Studio: update to work with it."


@dataclass(frozen=True)
class Status:
    """How a job stands. Times are in unix seconds, 0 if it has not happened."""

    schema: int = SCHEMA
    kind: str = "train"  # see smd.jobs.kinds
    state: State = "queued"
    created: float = 0.0
    queued: float = 0.0  # since when it waits for its turn; a resumed job waits anew
    started: float = 0.0
    ended: float = 0.0
    heartbeat: float = 0.0
    pid: int = 0  # 0: no process has taken it on
    # by the wall clock, which may be set; of what earlier versions wrote it is all there is
    pid_started: float = 0.0
    process_identity: str = ""  # see smd.jobs.processes
    host: str = ""
    by: str = ""  # who queued it, see smd.jobs.tickets
    started_by: str = ""  # who asked for it on a shared server with a login, see tickets.STARTER
    ticket: str = ""  # by which that installation knows it again
    device: str = "auto"
    devices: str = ""  # how many it asks for this time, see smd.several
    slots: str = ""  # where it works, with blanks between; "": at one slot of its device
    stage: str = ""  # "waiting for the device", "training", "attacking", ...
    done: int = 0  # epochs or units of work
    total: int = 0
    batch: int = 0
    batches: int = 0
    rate: float = 0.0  # samples per second
    eta: float = -1.0  # seconds; -1 if unknown
    asked: float = 0.0  # when it was first asked to stop, by its machine's monotonic clock
    error: str = ""  # why it failed, one sentence


def read(folder: Path) -> Status:
    """The job's status; never raises.

    A running job whose process is gone reads as "lost". A status that is missing, broken or of a
    newer schema reads as "failed" with the reason; fields that this version does not know are
    ignored.
    """
    try:
        status = stored(folder)
    except FileNotFoundError:
        return _unreadable(folder, "is missing")
    except (ValueError, OSError) as error:
        return _unreadable(folder, f"cannot be read ({error})")
    if status.schema > SCHEMA:
        return replace(status, state="failed", error=NEWER)
    if status.state == "finished" and status.kind == "train" and results.emptied(folder):
        return replace(status, state="failed", error=results.EMPTIED)
    if status.state == "queued" and _from_elsewhere(folder, status):
        return replace(status, state="lost", error=ELSEWHERE)
    if status.state == "running" and (
        _from_elsewhere(folder, status) or not attended(status, folder)
    ):
        return _gone(folder, status)
    return status


def stored(folder: Path) -> Status:
    """The status as it is written; raises OSError where it cannot be read now, ValueError where it
    is broken."""
    path = folder / "status.json"
    try:
        return _parse(foreign.json_object(path, foreign.MEGABYTE))
    except UserError as error:
        raise ValueError("it " + str(error).removeprefix(f"{path} ").rstrip(".")) from None


def _gone(folder: Path, status: Status) -> Status:
    """A running job without a process; on a disk that takes nothing it could not store how it
    ended."""
    if endings.read_only(folder) and status.by == tickets.me():
        return replace(status, state="failed", error=endings.READ_ONLY)
    if status.host != platform.node() and status.by not in ("", tickets.me()):
        return replace(status, state="lost", error=SILENT.format(host=status.host[:60]))
    return replace(status, state="lost", error=LOST)


def _from_elsewhere(folder: Path, status: Status) -> bool:
    """Whether it says that it is this user's here, but is none that was put here; others' are
    theirs to run."""
    return status.by in ("", tickets.me()) and not tickets.valid(folder, status.ticket)


def _parse(values: Mapping[str, Any]) -> Status:
    schema = values.get("schema", SCHEMA)
    if _fits("schema", schema) and schema > SCHEMA:
        return Status(schema=schema)  # the other fields may mean something else by now
    known = {f.name: values[f.name] for f in fields(Status) if f.name in values}
    for name, value in known.items():
        if not _fits(name, value):
            raise ValueError(f"{name} is {str(value)[:40]!r}")
    known = {
        name: value[:LONGEST] if isinstance(value, str) else value for name, value in known.items()
    }
    status = Status(**known)
    if status.state not in get_args(State) or status.kind not in kinds.KINDS:
        raise ValueError(f"unknown state {status.state!r} or kind {status.kind!r}")
    return status


def _fits(name: str, value: Any) -> bool:
    """Whether a field of the file has its type, and a number that times and processes can be
    computed with."""
    kind = type(getattr(Status, name))
    if kind is str:
        return isinstance(value, str) and FORMS.get(name, lambda text: True)(value)
    if isinstance(value, bool) or not isinstance(value, int | float if kind is float else int):
        return False
    least = -1 if name == "eta" else 0
    return bool(least <= value <= MOST.get(name, LARGEST))  # false of NaN; of any length of integer


def _unreadable(folder: Path, reason: str) -> Status:
    created = 0.0
    with suppress(OSError):
        created = (folder / "config.json").lstat().st_mtime  # written once, when the job was made
    kind = kinds.of_folder(folder)
    error = f"status.json {reason}: resume the {kind.noun} or delete it."
    return Status(kind=kind.name, state="failed", created=created, error=error)


def attended(status: Status, folder: Path) -> bool:
    """Whether the process that took the job in that folder on is still there, and is that same
    process."""
    if status.host != platform.node():
        return status.pid > 0 and clocks.silence(folder, status.heartbeat) < REMOTE_PATIENCE
    return process(status) is not None


def elsewhere(status: Status) -> str:
    """As "by anna on host-b" of a job that waits or runs there; "" of one of this user's on this
    machine."""
    if status.state not in ("queued", "running") or status.by in ("", tickets.me()):
        return ""
    name, _, host = status.by.rpartition("@")
    return f"by {name} on {host}" if name else f"by {host}"


def process(status: Status) -> psutil.Process | None:
    """The job's living process on this host, or None: gone, a zombie, or another that got its
    pid."""
    if status.pid <= 0 or status.host != platform.node():
        return None
    try:
        candidate = psutil.Process(status.pid)
        if candidate.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        if status.process_identity:
            return candidate if identity(status.pid) == status.process_identity else None
        return (
            candidate if abs(candidate.create_time() - status.pid_started) < CLOCK_SLACK else None
        )
    except psutil.Error:
        return None
