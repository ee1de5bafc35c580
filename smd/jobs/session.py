"""A job's own side: its turn on the device, its heartbeat, the wish to stop, and how it ended."""

import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from smd import jobs
from smd.errors import UserError
from smd.jobs import Status, alerting, transitions, turns
from smd.jobs.endings import reason
from smd.jobs.locks import AnyLock, Lock
from smd.jobs.processes import identity

BEAT = 2.0  # seconds between two heartbeats
POLL = 0.2  # seconds between two tries for the device
WAITING = "waiting for the device"


class Cancelled(Exception):
    """The job stopped because it was asked to; its body raises this once it has saved what it
    has."""


class Session:
    """The job while it runs. `stopping` turns True when it shall save and raise Cancelled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stopping = False
        self._progress: dict[str, Any] = {}
        self._latest: Status | None = None  # as this process wrote it

    def report(
        self,
        *,
        stage: str | None = None,
        done: int | None = None,  # epochs or units of work
        total: int | None = None,
        batch: int | None = None,
        batches: int | None = None,
        rate: float | None = None,  # samples per second
        eta: float | None = None,  # seconds, -1 if unknown
    ) -> None:
        """Note the latest progress; cheap, the heartbeat writes it. What is left out stays as it
        was."""
        given = {
            "stage": stage,
            "done": done,
            "total": total,
            "batch": batch,
            "batches": batches,
            "rate": rate,
            "eta": eta,
        }
        self._progress = {
            **self._progress,
            **{name: v for name, v in given.items() if v is not None},
        }

    def beat(self) -> None:
        """Write progress and heartbeat; a job that was taken from this process shall stop."""

        def edit(old: Status) -> Status:
            if old.state not in ("queued", "running") or not transitions.owned(old):
                self.stopping = True
                return old
            self._latest = replace(old, heartbeat=time.time(), **self._progress)
            return self._latest

        with suppress(
            ValueError
        ):  # broken or unreadable is not taken away: the next beat may find it whole
            transitions.change(self.folder, edit, jobs.stored)

    def start(self) -> None:
        """Move from queued to running; raises Cancelled if somebody cancelled it meanwhile."""

        def edit(old: Status) -> Status:
            if old.state != "queued" or not transitions.owned(old):
                raise Cancelled("It was cancelled while it waited.")
            self._latest = transitions.moved(self.folder, old, "running")
            return self._latest

        transitions.change(self.folder, edit)

    def end(self, to: jobs.State, error: str = "") -> None:
        """Store how it ended, unless the job is not this process's any more."""

        def edit(old: Status) -> Status:
            if old.state not in ("queued", "running") or not transitions.owned(old):
                return old
            latest = replace(old, heartbeat=time.time(), **self._progress)
            return transitions.moved(self.folder, latest, to, error)

        transitions.change(self.folder, edit, self._known)

    def _known(self, folder: Path) -> Status:
        """The status, or where it cannot be read the one that this process wrote last."""
        try:
            return jobs.stored(folder)
        except (OSError, ValueError):
            return self._latest or jobs.read(folder)


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Around a job that this process has claimed: if its device is "auto" it gets a free one; if it
    never begins, it does not stay queued for others."""
    try:
        with turns.given(jobs.read(folder).device):
            yield
    except BaseException as error:
        if jobs.read(folder).state == "queued":
            to: jobs.State = "failed" if isinstance(error, OSError | UserError) else "cancelled"
            with suppress(OSError, UserError):  # what was raised says more
                transitions.move(folder, to, reason(error) if to == "failed" else "")
        raise
    finally:
        alerting.tell(folder)


@contextmanager
def session(
    folder: Path, device: str, on_wait: Callable[[], None] | None = None
) -> Iterator[Session]:
    """Run a queued job in this process.

    Wait for the device, then for the length of the body be "running".

    device: what the job really uses, "cpu" or "cuda:0". on_wait is called once if the device is
    taken. The job ends as finished; as cancelled if the body raises Cancelled; else as failed with
    the reason. Whatever was raised is raised again, also Cancelled, which the wait for the device
    raises too. SIGTERM and SIGINT only set `stopping`; a second SIGINT raises KeyboardInterrupt.
    Outside the main thread no signals are caught. Raises UserError if the job is not queued or has
    another process.
    """
    current = Session(folder)
    with ExitStack() as last, _signals(current):
        _claim(folder, device)
        with _outcome(current), _heartbeat(current):
            lock = turns.turn(device)
            last.callback(lock.release)  # after the outcome is stored, so that jobs do not overlap
            _wait(current, lock, on_wait)
            current.start()
            with _current(device):
                yield current


def _claim(folder: Path, device: str) -> None:
    def edit(old: Status) -> Status:
        if old.state == "cancelled":
            raise Cancelled("It was cancelled before it began.")
        transitions.moved(folder, old, "running")  # refuses what is not queued
        if _others(folder, old):
            where = "" if old.host == platform.node() else f" on {old.host}"
            raise UserError(
                f"{folder.name} is being started already, by process {old.pid}{where}: wait for it."
            )
        return replace(transitions.own(old), device=device, stage=WAITING)

    transitions.change(folder, edit)


def _others(folder: Path, status: Status) -> bool:
    """Whether another process has taken the job on, other than the worker that started this one."""
    if status.pid <= 0 or not jobs.attended(status, folder) or transitions.owned(status):
        return False
    by_worker = status.process_identity and status.process_identity == identity(os.getppid())
    return not by_worker


@contextmanager
def _current(device: str) -> Iterator[None]:
    """Have CUDA do there what names no GPU: streams, graphs, a library's buffers."""
    torch = sys.modules.get("torch")  # a job that computes has it by now
    if torch is None or not device.startswith("cuda") or not torch.cuda.is_available():
        yield
        return
    with torch.cuda.device(device):
        yield


def _wait(current: Session, lock: Lock | AnyLock, on_wait: Callable[[], None] | None) -> None:
    if lock.acquire(wait=False):
        return
    if on_wait:
        on_wait()
    while not lock.acquire(wait=False):
        if current.stopping or _taken(current.folder):
            raise Cancelled("It was cancelled while it waited for the device.")
        time.sleep(POLL)


def _taken(folder: Path) -> bool:
    try:
        return jobs.stored(folder).state != "queued"
    except (OSError, ValueError):
        return not folder.is_dir()  # unreadable for now is not taken away


@contextmanager
def _outcome(current: Session) -> Iterator[None]:
    try:
        yield
    except (Cancelled, KeyboardInterrupt):
        with suppress(OSError, UserError):
            current.end("cancelled")
        raise
    except BaseException as error:
        with suppress(
            OSError, UserError
        ):  # it cannot be stored: then at least its own reason is told
            current.end("failed", reason(error))
        raise
    current.end("finished")


@contextmanager
def _heartbeat(current: Session) -> Iterator[None]:
    over = threading.Event()

    def beats() -> None:
        while not over.wait(BEAT):
            try:
                current.beat()
            except (
                OSError,
                UserError,
            ) as error:  # a full disk must not end the job; the log shall tell
                with suppress(OSError):  # the log may be on that disk
                    print(f"No heartbeat: {error}", flush=True)

    thread = threading.Thread(target=beats, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _signals(current: Session) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and current.stopping:
            raise KeyboardInterrupt
        current.stopping = True

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
