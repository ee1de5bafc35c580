"""Several slots for one job: they are locked together, and nobody waits for ever.

The rule is that of the queue: at every slot whoever waits longest goes first. A job that needs
several slots is taken where it is the first, at one of them, and from then on keeps each of the
others that is free, in their fixed order, until it has all. Meanwhile no slot that it may use goes
to a job that was queued later; so it waits for those that are at work and those before it, and for
none after it. Those after it wait until it has its slots, and go on at the ones that it leaves.
The price is that slots stand idle while it gathers. One job at a time gathers on a machine, under a
lock of its own, so that two cannot wait for each other's slots.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from smd import devices, jobs
from smd.errors import UserError
from smd.jobs import Status, device_check, transitions, turns
from smd.jobs.locks import Lock, shared, slot_lock
from smd.several import Need

POLL = 0.2  # seconds between two tries for what others have
GATHERING = "waiting for devices"
STARTING = "starting"


class Gone(Exception):
    """The job was cancelled or deleted, or is another process's, while it waited for its slots."""


def alone() -> Lock:
    """The lock of the one job that gathers slots, whoever's it is."""
    return Lock(shared("several.lock"))


def needed(status: Status) -> Need:
    """What a job needs that gathers now; raises UserError where this machine has less. A GPU that
    nobody has tried since the boot is tried, which takes some seconds."""
    found = turns.need(status)
    if status.device == devices.AUTO and found.count > 1:
        for slot in found.slots:
            device_check.problem(slot)
        found = turns.need(status)
    if found.lacking:
        raise UserError(found.lacking)
    return found


def gather(need: Need, held: dict[str, Lock], alive: Callable[[], None]) -> None:
    """Lock slots and add them to those that are held until there are as many as needed; a held one
    that the job does not need, such as a GPU that does not compute, is let go first.

    alive: called between two tries; what it raises is raised.
    """
    for slot in [each for each in held if each not in need.slots]:
        held.pop(slot).release()
    while True:
        for slot in need.slots:
            if slot not in held and len(held) < need.count:
                lock = slot_lock(slot)
                if lock.acquire(wait=False):
                    held[slot] = lock
        if len(held) >= need.count:
            return
        alive()
        time.sleep(POLL)


def alive(folder: Path) -> None:
    """Raises Gone where the job is no longer this process's to begin."""
    try:
        now = jobs.stored(folder)
    except (OSError, ValueError):
        if folder.is_dir():
            return  # unreadable for now is not taken away
        raise Gone from None
    if now.state != "queued" or not transitions.owned(now):
        raise Gone


def marked(folder: Path, held: dict[str, Lock]) -> None:
    """Note in the job's status at which slots it is being started; raises Gone as `alive`."""

    def edit(now: Status) -> Status:
        if now.state != "queued" or not transitions.owned(now):
            raise Gone
        device = devices.device_of(next(iter(held)))
        return replace(now, device=device, slots=" ".join(held), stage=STARTING)

    transitions.change(folder, edit)


def in_order(need: Need, held: dict[str, Lock]) -> dict[str, Lock]:
    """The slots in their fixed order: the first is where the job's own process works."""
    return {slot: held[slot] for slot in need.slots if slot in held}


@contextmanager
def given(folder: Path, status: Status, tell: Callable[[str], None]) -> Iterator[None]:
    """Around a job that this process has claimed and does itself: it waits until it has its slots.

    tell is given a line where it waits; raises Gone as `alive`.
    """
    need, held, told = needed(status), dict[str, Lock](), list[str]()

    def waits() -> None:
        if not told:
            told.append(f"Waiting for {need.count} devices: others use them.")
            tell(told[0])
        alive(folder)

    transitions.change(folder, lambda old: replace(old, stage=GATHERING))
    first = alone()
    try:
        while not first.acquire(wait=False):
            waits()
            time.sleep(POLL)
        gather(need, held, waits)
        held = in_order(need, held)
        marked(folder, held)
        first.release()
        with turns.keeping(held):
            yield
    finally:
        for lock in (first, *held.values()):
            lock.release()
