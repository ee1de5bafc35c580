"""Start, cancel, resume and watch jobs from a page or the shell.

Nothing here waits for a job's work.
"""

import platform
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import psutil

from smd import children, devices, jobs, several
from smd.errors import UserError
from smd.files import durable
from smd.jobs import Status, alerting, logs, tickets, transitions, turns, worker
from smd.jobs.locks import Lock, own, slot_lock

LOOK = 0.1  # seconds between two looks at whether a worker works by now
WATCHED = 5.0  # seconds in which a living job beats twice
KILLED = 10.0  # seconds in which a killed process is gone


def submit(folder: Path) -> None:
    """See to it that a queued job is run: now, or when the jobs before it are over on the devices
    that it may use."""
    slots = turns.need(jobs.read(folder)).slots
    if len(slots) == 1:
        _wake(slots[0])
        return
    for slot in _wanted():
        if not worker.follower_lock(slot).busy():  # else it will see what is queued by now
            _wake(slot)


def wake_all() -> None:
    """Start a worker for every slot at which queued jobs wait for one, as after a reboot. Cheap:
    call it often."""
    # a runs folder that can only be looked at, or SMD_DEVICES that says nothing: nothing is run
    with suppress(OSError, UserError):
        for slot in _wanted():
            starting = Lock(own(f"{worker.name(slot)}.starting"))
            if starting.acquire(wait=False):  # else somebody does the same at this moment
                _start_worker(slot, starting)


def _wanted() -> list[str]:
    """The slots where a worker shall look: an idle one for every job that waits, or where none is
    idle every one that the job may run at."""
    idle, wanted = cache(_idle), dict[str, None]()
    for _, status in worker.queued():
        may = [slot for slot in turns.need(status).slots if slot not in wanted]
        free = next((slot for slot in may if idle(slot)), None)
        wanted |= dict.fromkeys(may if free is None else [free])
    return list(wanted)


def _idle(slot: str) -> bool:
    """Whether neither a worker nor a job of anybody's is at the slot."""
    return not worker.worker_lock(slot).busy() and not slot_lock(slot).busy()


def _start_worker(key: str, starting: Lock) -> None:
    """Start a worker unless one works; `starting` is held until it does, so that others start none
    beside it."""
    lock = worker.worker_lock(key)
    try:
        process = None if lock.busy() else _wake(key)
    except BaseException:
        starting.release()
        raise

    def watch() -> None:
        while process and process.poll() is None and not lock.busy():
            time.sleep(LOOK)
        starting.release()

    threading.Thread(target=watch, daemon=True).start()


def _worker_command(key: str) -> list[str]:
    return children.command("smd", "work", "--device", key)


def _wake(key: str) -> "subprocess.Popen[bytes]":
    with durable.appending(own(f"{worker.name(key)}.log")) as out:
        process = subprocess.Popen(
            _worker_command(key),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            # a Ctrl-C at the dashboard is not for it
            start_new_session=True,
            cwd=children.FOLDER,
            env=children.environment(),
        )
    threading.Thread(target=process.wait, daemon=True).start()  # leaves no zombie behind
    return process


def cancel(folder: Path) -> None:
    """Cancel a queued job at once; ask a running one to stop, which it does after its batch.

    One that hangs and does not stop within transitions.GRACE is killed: by its worker, or by who
    asks again then. Raises UserError if it is over, or runs on another machine.
    """

    def edit(old: Status) -> Status:
        cancelled = transitions.moved(folder, old, "cancelled")
        if (
            old.state == "running"
            and old.by not in ("", tickets.me())
            and old.host == platform.node()
        ):
            # What another's status says of a process here is only said: it may be anybody's.
            raise UserError(f"{folder.name} was started by {old.by}: cancel it there.")
        if old.state == "queued":
            return cancelled
        hanging = transitions.overdue(old)
        # under the lock, so that the job cannot end and its pid be given away
        _stop(folder, old, hanging)
        return cancelled if hanging else replace(old, asked=old.asked or time.monotonic())

    queued = jobs.read(folder).state == "queued"
    if transitions.change(folder, edit).state == "cancelled" and queued:
        alerting.tell(folder)  # nobody works at it who would


def _stop(folder: Path, status: Status, hanging: bool) -> None:
    process = jobs.process(status)
    if process is None:
        raise UserError(f"{folder.name} runs on {status.host}: cancel it there.")
    try:
        if not hanging:
            process.terminate()
            return
        process.kill()
        process.wait(KILLED)
    except psutil.Error as error:
        raise UserError(f"{folder.name} could not be asked to stop: {error}.") from None


def resume(folder: Path, asked: str | None = None) -> None:
    """Queue a failed, cancelled or lost job again; raises UserError for any other, and where
    SMD_DEVICES leaves its device out, or there are not as many as it asks for.

    asked: how many devices it asks for this time (smd.several); None: as its config says.

    One that another machine is said to run is watched for some heartbeats first: its clock may
    differ. With "auto" it may go on on another device.
    """
    _refuse_living(folder)
    device = transitions.asked_for(folder, jobs.read(folder))
    if not turns.slots(device):
        raise UserError(" ".join(devices.problems(device)))
    several_asked = transitions.devices_asked_for(folder, jobs.read(folder))
    wanted = several_asked if asked is None else asked
    if wrong := several.problems(wanted, device):
        raise UserError(" ".join(wrong))
    transitions.change(
        folder, lambda old: replace(transitions.moved(folder, old, "queued"), devices=wanted)
    )
    submit(folder)


def _refuse_living(folder: Path) -> None:
    with suppress(OSError, ValueError):  # unreadable: nobody runs it
        first = jobs.stored(folder)
        if first.state != "running" or first.host in ("", platform.node()):
            return
        deadline = time.monotonic() + WATCHED
        while time.monotonic() < deadline:
            if jobs.stored(folder).heartbeat != first.heartbeat:
                raise UserError(f"{folder.name} runs on {first.host}: cancel it there.")
            time.sleep(LOOK)


def log_tail(folder: Path, lines: int = 40) -> list[str]:
    """The last lines that a job printed."""
    return logs.tail(folder / "log.txt", lines)


def wait(folder: Path, timeout: float) -> Status:
    """Watch a job until it is over, at most `timeout` seconds; returns its status then."""
    deadline = time.monotonic() + timeout
    while (status := jobs.read(folder)).state in (
        "queued",
        "running",
    ) and time.monotonic() < deadline:
        time.sleep(0.1)
    return status
