"""What states a job may go through, and how its status is changed.

Whoever changes a status holds the lock of the job's folder, so that two dashboards and the job
itself cannot undo each other's changes.
"""

import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil

from smd import devices, several
from smd.errors import UserError
from smd.files import durable, foreign
from smd.jobs import NEWER, SCHEMA, State, Status, kinds, process, read, reserve, results, tickets
from smd.jobs.endings import reason
from smd.jobs.locks import Lock
from smd.jobs.processes import identity

ALLOWED: Mapping[State, frozenset[State]] = {
    "queued": frozenset({"running", "cancelled", "failed"}),
    "running": frozenset({"finished", "failed", "cancelled"}),
    "failed": frozenset({"queued"}),
    "cancelled": frozenset({"queued"}),
    "lost": frozenset(
        {"queued"}
    ),  # never stored: jobs.read finds that a running job has no process
    "finished": frozenset(),
}
GRACE = 60.0  # seconds in which a job that is asked to stop does so; one that hangs is killed then
REFUSAL = {
    "cancelled": "nothing to cancel",
    "queued": "it cannot be resumed",
    "running": "it cannot be started",
}


def moved(folder: Path, old: Status, to: State, error: str = "") -> Status:
    """The status in another state, with the fields that follow; raises UserError if that is not
    allowed."""
    repair = (
        to == "queued"
        and old.state == "finished"
        and old.kind == "train"
        and results.repairable(folder)
    )
    if to not in ALLOWED[old.state] and not repair:
        why = REFUSAL.get(to, f"it cannot become {to}")
        raise UserError(f"The {kinds.KINDS[old.kind].noun} {folder.name} is {old.state}: {why}.")
    now = time.time()
    if to == "queued":  # what was done stays: the job goes on from there
        who = tickets.STARTER.get() or old.started_by
        return Status(
            kind=old.kind,
            created=old.created,
            queued=now,
            device=asked_for(folder, old),
            devices=devices_asked_for(folder, old),
            done=old.done,
            total=old.total,
            started_by=who,
        )
    if to == "running":
        return replace(old, state=to, started=now, heartbeat=now, stage="")
    return replace(old, state=to, ended=now, eta=-1.0, error=error)


def asked_for(folder: Path, old: Status) -> str:
    """The device that the job's config names: "auto" may be another one this time."""
    with suppress(OSError, UserError):
        name = foreign.json_object(folder / "config.json", foreign.MEGABYTE).get("device")
        if isinstance(name, str) and devices.is_name(name):
            return name
    return old.device


def devices_asked_for(folder: Path, old: Status) -> str:
    """How many devices the job's config asks for."""
    with suppress(OSError, UserError):
        text = foreign.json_object(folder / "config.json", foreign.MEGABYTE).get("devices", "")
        if isinstance(text, str) and several.is_text(text):
            return text
    return old.devices


def move(folder: Path, to: State, error: str = "") -> Status:
    """Move the job to another state; raises UserError if the present one does not allow it."""
    return change(folder, lambda old: moved(folder, old, to, error))


def change(
    folder: Path, edit: Callable[[Status], Status], reading: Callable[[Path], Status] = read
) -> Status:
    """Read, edit and write the status under the folder's lock; returns the new status.

    reading: how it is read; what that raises is raised.
    Raises UserError if the job is gone, was written by a newer version, or cannot be written.
    """
    with locked(folder):
        old = reading(folder)
        if old.schema > SCHEMA:
            raise UserError(f"{folder.name}: {NEWER}")
        new = edit(old)
        if new != old:
            try:
                write(folder, new)
            except OSError as error:
                raise UserError(reason(error)) from error
        return new


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a job's folder; raises UserError if the folder is gone or cannot be
    written."""
    lock = Lock(folder / ".lock")
    try:
        _take(lock)
        if not folder.is_dir():  # deleted while we waited
            raise FileNotFoundError
        yield
    except FileNotFoundError:
        if folder.is_dir():
            raise
        raise UserError(f"{folder.name} is gone: it was deleted.") from None
    finally:
        lock.release()


def _take(lock: Lock) -> None:
    try:
        lock.acquire()
    except FileNotFoundError:
        raise
    except OSError as error:  # a folder of somebody else's, a disk that is full or read-only
        raise UserError(reason(error)) from error


def write(folder: Path, status: Status, place: Path | None = None) -> None:
    """Replace the status at once; for the holder of the folder's lock.

    place: where the folder will be, if that is not where it is. Whoever queues or runs a job signs
    for it. How it ended is written also where the disk is full.
    """
    if status.state in ("queued", "running"):
        reserve.keep(folder)
        status = replace(
            status, by=tickets.me(), ticket=tickets.ticket(place or folder, folder / "config.json")
        )
        durable.write(folder / "status.json", _json(status))
        return
    content = _json(status)
    if len(content) > reserve.SIZE:
        content = _json(replace(status, error=status.error[: reserve.LONGEST] + "…"))
    reserve.write(folder / "status.json", content)
    reserve.release(folder)


def _json(status: Status) -> str:
    return json.dumps(asdict(status), indent=1)


def overdue(status: Status) -> bool:
    """Whether it was asked to stop longer than GRACE ago, by the machine's clock since its boot,
    which nobody sets."""
    return status.asked > 0 and time.monotonic() - status.asked > GRACE


def own(status: Status) -> Status:
    """The status with this process as the one that took the job on."""
    pid, started = os.getpid(), psutil.Process().create_time()
    here = {
        "pid": pid,
        "pid_started": started,
        "process_identity": identity(pid),
        "host": platform.node(),
    }
    return replace(status, **here, heartbeat=time.time())


def owned(status: Status) -> bool:
    """Whether it is this process that took the job on; also where the machine got another name
    meanwhile."""
    if status.process_identity:
        return status.pid == os.getpid() and status.process_identity == identity(os.getpid())
    return status.pid == os.getpid() and process(status) is not None


def create(
    folder: Path,
    kind: str,
    device: str,
    files: Mapping[str, Any],
    claim: bool = False,
    asked: str = "",
) -> None:
    """Make the folder of a queued job with the given JSON files; nobody sees it half made.

    claim: this process will run the job itself, so no worker shall take it. asked: how many devices
    it asks for, see smd.several.
    """
    new = Status(kind=kind, device=device, devices=asked, started_by=tickets.STARTER.get())
    status = replace(new, created=(now := time.time()), queued=now)
    draft = folder.with_name(f".new-{folder.name}")
    try:
        draft.mkdir(parents=True)
        for name, values in files.items():
            durable.write(draft / name, json.dumps(values, indent=1))
        write(draft, own(status) if claim else status, folder)
        (draft / "log.txt").touch()
        _make_lock(draft)
        draft.rename(folder)
        durable.sync(folder.parent)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, OSError):
            raise UserError(reason(error)) from error
        raise


def _make_lock(folder: Path) -> None:
    """Have the lock from the start: a disk without room for one more name must not keep an end from
    being stored."""
    lock = Lock(folder / ".lock")
    lock.acquire()
    lock.release()
