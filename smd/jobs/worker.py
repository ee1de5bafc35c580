"""The queue of a device: a process of its own that runs the queued jobs one after the other.

It stops when nothing is queued. The queue is the job folders themselves, so it survives a reboot.
"""

import subprocess
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from smd import children, devices, jobs
from smd.errors import UserError
from smd.files import durable
from smd.jobs import Status, kinds, listing, transitions
from smd.jobs.locks import Lock, own
from smd.jobs.logs import tail
from smd.jobs.tickets import me

LOOK = 1.0  # seconds between two looks at whether a running job was asked to stop


def queued() -> list[tuple[Path, Status]]:
    """All jobs of this user's that wait for a worker here, whoever waits longest first."""
    folders = [folder for run in listing.runs() for folder in (run, *listing.on_run(run))]
    statuses = [(folder, jobs.read(folder)) for folder in folders]
    waiting = [
        (f, s) for f, s in statuses if s.state == "queued" and s.by == me() and not _claimed(f, s)
    ]
    return sorted(waiting, key=lambda pair: (pair[1].queued, pair[0].name))


def _claimed(folder: Path, status: Status) -> bool:
    # a process has taken it on and waits for the device
    return status.pid > 0 and jobs.attended(status, folder)


def job_command(folder: Path) -> list[str]:
    """The process that does a job."""
    kind = kinds.KINDS[jobs.read(folder).kind]
    name = f"{folder.parent.parent.name}/{folder.name}" if kind.folder else folder.name
    return children.command("smd", kind.verb, kind.option, name)


def worker_lock(key: str) -> Lock:
    """The lock that the working worker of a queue holds."""
    return Lock(own(f"worker-{key}.lock"))


def work(device: str, command: Callable[[Path], list[str]] = job_command) -> None:
    """Run the queued jobs of a device until none is left; one worker works, one more waits to look
    again."""
    key = devices.queue(device)
    follower, lock = Lock(own(f"worker-{key}.next")), worker_lock(key)
    if not follower.acquire(wait=False):
        return  # somebody waits already, and will see whatever is queued by now
    lock.acquire()
    follower.release()
    try:
        tried: set[tuple[Path, float]] = set()
        while job := _next(key, tried):
            tried.add((job[0], job[1].queued))
            _run(*job, command)
    finally:
        lock.release()


def _next(key: str, tried: Collection[tuple[Path, float]]) -> tuple[Path, Status] | None:
    """Whoever waits longest; not again one whose end could not even be stored, as on a broken
    disk."""
    return next(
        (
            (f, s)
            for f, s in queued()
            if devices.queue(s.device) == key and (f, s.queued) not in tried
        ),
        None,
    )


def _run(folder: Path, before: Status, command: Callable[[Path], list[str]]) -> None:
    log = folder / "log.txt"
    offset = log.stat().st_size if log.exists() else 0
    try:
        code = _child(command(folder), log, folder)
    except OSError as error:
        _fail(folder, before, f"It could not be started: {error}.")
        return
    lines = tail(log, 1, offset)
    _fail(
        folder,
        before,
        lines[-1] if lines else f"Its process ended with status {code} before it began.",
    )


def _child(command: list[str], log: Path, folder: Path) -> int:
    with durable.appending(log) as out:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=children.FOLDER,
            env={**children.environment(), "PYTHONUNBUFFERED": "1"},
        )
    asked = 0.0  # by a clock that nobody sets
    while True:
        with suppress(subprocess.TimeoutExpired):
            return child.wait(LOOK)
        asked = (asked or time.monotonic()) if jobs.read(folder).asked else 0.0
        if asked and time.monotonic() - asked > transitions.GRACE:
            _kill(folder, child)


def _kill(folder: Path, child: "subprocess.Popen[bytes]") -> None:
    """End a job that hangs and was asked to stop; it cannot store that it is cancelled."""

    def kill(now: Status) -> Status:
        mine = now.state in ("queued", "running") and now.pid == child.pid
        child.kill()
        child.wait()
        return transitions.moved(folder, now, "cancelled") if mine else now

    with suppress(UserError):
        transitions.change(folder, kill)


def _fail(folder: Path, before: Status, reason: str) -> None:
    """Store why a job that is over never began; a job that began has stored its own end."""

    def edit(now: Status) -> Status:
        # not one that was resumed meanwhile
        same = now.state == "queued" and now.queued == before.queued
        return (
            transitions.moved(folder, now, "failed", reason)
            if same and not _claimed(folder, now)
            else now
        )

    with suppress(UserError):  # deleted meanwhile; the next job is waiting
        transitions.change(folder, edit)
