"""Whose turn it is at a slot: which jobs may work there, and how a slot's lock gets to the job.

A worker takes a slot's lock before it takes a job, and the job's process inherits it as an open
file. So "auto" is always a free device, and a slot stays locked as long as either of them lives.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from smd import devices
from smd.jobs import device_check
from smd.jobs.locks import AnyLock, Lock, device_lock, slot_lock

# the lock of the slot that a job in this very process was given
HELD: ContextVar[Lock | None] = ContextVar("held", default=None)


def usable() -> tuple[str, ...]:
    """The slots that take jobs with "auto".

    GPUs that torch is known not to compute with are left out; where none is left, and nobody has
    said which devices to use, it is the CPU. Raises UserError as devices.pool does.
    """
    slots = devices.pool()
    found = tuple(slot for slot in slots if not device_check.known(slot))
    return found or (slots if devices.chosen() else ("cpu",))


def slots(device: str) -> tuple[str, ...]:
    """The slots that a job may work at whose config names that device."""
    return usable() if device == devices.AUTO else devices.slots(device)


def environment(slot: str, lock: Lock) -> dict[str, str]:
    """By which a job's process knows its slot and the lock that it inherits.

    Where several jobs share the CPU each has its share of the cores, unless the person has set it.
    """
    together = len([other for other in devices.pool() if devices.device_of(other) == "cpu"])
    turn = {devices.TURN: f"{slot} {lock.file}"}
    if devices.device_of(slot) != "cpu" or together < 2 or os.environ.get("OMP_NUM_THREADS"):
        return turn
    return {**turn, "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // together))}


@contextmanager
def looked_for(device: str) -> Iterator[None]:
    """As `given`, but nothing is locked: for who locks what it uses itself."""
    with given(device):
        if lock := HELD.get():
            lock.release()
        yield


@contextmanager
def given(device: str) -> Iterator[None]:
    """Around a job that works in this process: "auto" is a free slot, which it keeps; the first
    where none is free."""
    if device != devices.AUTO or devices.given() or devices.guessed():
        yield
        return
    may = usable()
    locks = [(slot, slot_lock(slot)) for slot in may]
    taken = next(((slot, lock) for slot, lock in locks if lock.acquire(wait=False)), None)
    slot, lock = taken or (may[0], None)
    told, held = devices.GIVEN.set(slot), HELD.set(lock)
    try:
        yield
    finally:
        HELD.reset(held)
        devices.GIVEN.reset(told)
        if lock:
            lock.release()


def turn(device: str) -> Lock | AnyLock:
    """The lock that a job needs to use a device: held already where the job was given it."""
    slot = devices.given()
    if slot and devices.device_of(slot) == device:
        if held := HELD.get():
            return held
        number = os.environ.get(devices.TURN, "").partition(" ")[2]
        os.environ[devices.TURN] = slot  # once: later another file may have that number
        lock = slot_lock(slot)
        if number.isdecimal() and lock.inherit(int(number)):
            return lock
    return device_lock(device)
