"""Whose turn it is at a slot: which jobs may work there, and how a slot's lock gets to the job.

A worker takes a slot's lock before it takes a job, and the job's process inherits it as an open
file. So "auto" is always a free device, and a slot stays locked as long as either of them lives.
How a job gets several slots: smd.jobs.gathering.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

from smd import devices, several
from smd.jobs import Status, device_check
from smd.jobs.locks import AllLocks, AnyLock, Lock, device_lock, slot_lock
from smd.several import Need

Held = Mapping[str, Lock]  # slots with their locks, which are held

# the locks of the slots that a job in this very process was given
HELD: ContextVar[AllLocks | None] = ContextVar("held", default=None)


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


def need(status: Status) -> Need:
    """What a job that waits needs of the slots."""
    return several.need(status.devices, slots(status.device))


def environment(held: Held, needed: Need) -> dict[str, str]:
    """By which a job's process knows its slots and the locks that it inherits.

    Where several processes share the CPU each has its share of the cores, unless the person has set
    it.
    """
    turn = {devices.TURN: " ".join(f"{slot} {lock.file}" for slot, lock in held.items())}
    has = Need(tuple(held), len(held), needed.processes)
    return {**turn, **several.shares(has)}


@contextmanager
def looked_for(device: str) -> Iterator[None]:
    """As `given`, but nothing is locked: for who locks what it uses itself."""
    with given(device):
        if held := HELD.get():
            held.release()
        yield


@contextmanager
def given(device: str) -> Iterator[None]:
    """Around a job that works in this process on one device: "auto" is a free slot, which it keeps;
    the first where none is free."""
    if device != devices.AUTO or devices.given() or devices.guessed():
        yield
        return
    may = usable()
    locks = [(slot, slot_lock(slot)) for slot in may]
    taken = next(((slot, lock) for slot, lock in locks if lock.acquire(wait=False)), None)
    with keeping(dict([taken] if taken else []), (may[0],)):
        yield


@contextmanager
def keeping(held: Held, at: tuple[str, ...] = ()) -> Iterator[None]:
    """Within, this process's job has these slots; their locks are released at the end.

    at: its slots where it holds no lock yet.
    """
    told = devices.GIVEN.set(tuple(held) or at)
    locks = HELD.set(AllLocks([*held.values()]) if held else None)
    with ExitStack() as last:
        for lock in held.values():
            last.callback(lock.release)
        try:
            yield
        finally:
            HELD.reset(locks)
            devices.GIVEN.reset(told)


def turn(device: str) -> AnyLock | AllLocks:
    """The lock that a job needs to use a device, or its several: held already where the job was
    given them."""
    at = devices.given()
    if at and devices.device_of(at[0]) == device:
        if held := HELD.get():
            return held
        numbers = os.environ.get(devices.TURN, "").split()[1::2]
        os.environ[devices.TURN] = " 0 ".join([*at, ""]).strip()  # once: see `inherited`
        locks = [slot_lock(slot) for slot in at]
        files = [int(number) for number in numbers if number.isdecimal()]
        if inherited(locks, files) or len(locks) > 1:
            return AllLocks(locks)
    return device_lock(device)


def inherited(locks: list[Lock], files: list[int]) -> bool:
    """Whether every lock is one of the open files that this process was started with; asked once,
    as later another file may have that number."""
    return len(files) == len(locks) and all(
        lock.inherit(file) for lock, file in zip(locks, files, strict=True)
    )
