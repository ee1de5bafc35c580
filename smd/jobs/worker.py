"""The worker of a slot: a process of its own that runs queued jobs there, one after the other.

All workers share one queue, which is the job folders themselves, so it survives a reboot. A worker
stops when nothing is queued that may run at its slot.
"""

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from smd import children, devices, jobs
from smd.errors import UserError
from smd.files import durable
from smd.jobs import Status, alerting, device_check, gathering, kinds, listing, transitions, turns
from smd.jobs.gathering import STARTING
from smd.jobs.locks import Lock, own, slot_lock
from smd.jobs.logs import tail
from smd.jobs.tickets import me

LOOK = 1.0  # seconds between two looks at whether a running job was asked to stop
POLL = 0.2  # seconds between two tries for a slot that somebody else uses
AGAIN = 5.0  # seconds after which it is looked whether there still is a job to wait for it with
Tried = set[tuple[Path, float]]  # jobs that this worker took, with the times they were queued


Job = tuple[Path, Status]


def queued() -> list[Job]:
    """All jobs of this user's that wait for a worker here, whoever waits longest first."""
    return [(folder, status) for folder, status in _waiting() if not _claimed(folder, status)]


def _waiting() -> list[Job]:
    """Those, and the ones that a process has taken on but not begun."""
    folders = [folder for run in listing.runs() for folder in (run, *listing.on_run(run))]
    statuses = [(folder, jobs.read(folder)) for folder in folders]
    waiting = [(f, s) for f, s in statuses if s.state == "queued" and s.by == me()]
    return sorted(waiting, key=_place)


def _place(job: Job) -> tuple[float, str]:
    return job[1].queued, job[0].name


def _claimed(folder: Path, status: Status) -> bool:
    # a process has taken it on and waits for the device
    return status.pid > 0 and jobs.attended(status, folder)


def job_command(folder: Path) -> list[str]:
    """The process that does a job."""
    kind = kinds.KINDS[jobs.read(folder).kind]
    return children.command("smd", kind.verb, kind.option, kinds.job_id(folder))


def name(slot: str) -> str:
    """By which a slot's worker is named in the folder of locks, beside the host and the user."""
    return f"worker-{devices.lock_name(slot)}"


def worker_lock(slot: str) -> Lock:
    """The lock that the working worker of a slot holds."""
    return Lock(own(f"{name(slot)}.lock"))


def follower_lock(slot: str) -> Lock:
    """The lock of the one worker that waits for the working one to end, to look again."""
    return Lock(own(f"{name(slot)}.next"))


def work(device: str, command: Callable[[Path], list[str]] = job_command) -> None:
    """Run queued jobs at a slot until none is left that may run there; one worker works, one more
    waits to look again.

    device: the slot, such as "cuda:1". On a GPU that torch cannot compute with no job with "auto"
    is run.
    """
    slot = devices.queue(device)
    follower, lock = follower_lock(slot), worker_lock(slot)
    if not follower.acquire(wait=False):
        return  # somebody waits already, and will see whatever is queued by now
    lock.acquire()
    follower.release()
    try:
        if told := device_check.problem(slot):
            print(told, flush=True)
        _work(slot, command)
    finally:
        lock.release()


def _work(slot: str, command: Callable[[Path], list[str]]) -> None:
    tried: Tried = set()
    lock = slot_lock(slot)
    while _free(slot, lock, tried):
        held = {slot: lock}
        try:
            if job := _take(slot, tried, held):
                _run(*job, command, held)
                alerting.tell(job[0])
            else:
                time.sleep(POLL)  # somebody was quicker, or the first one waits for its turn
        finally:
            for each in held.values():
                each.release()


def _free(slot: str, lock: Lock, tried: Tried) -> bool:
    """Wait until the slot is free and locked; False: nothing is left to wait for it with."""
    looked, again = float("-inf"), AGAIN
    while True:
        if time.monotonic() - looked > again:
            looked = time.monotonic()
            fitting, behind = _fitting(slot, tried)
            if not fitting and not behind:
                return False
            again = AGAIN if fitting else min(LOOK, AGAIN)
        if fitting and lock.acquire(wait=False):
            return True
        time.sleep(POLL)


def _fitting(slot: str, tried: Tried) -> tuple[list[Job], list[Job]]:
    """The jobs that may run at the slot, whoever waits longest first, and those that wait behind
    one that gathers slots (smd.jobs.gathering).

    Not again one whose end could not even be stored, as on a broken disk.
    """
    here = [(f, s) for f, s in _waiting() if slot in turns.need(s).slots]
    gathers = [_place((f, s)) for f, s in here if s.stage == gathering.GATHERING and _claimed(f, s)]
    may = [(f, s) for f, s in here if (f, s.queued) not in tried and not _claimed(f, s)]
    first = [job for job in may if all(_place(job) < place for place in gathers)]
    return first, may[len(first) :]


def _take(slot: str, tried: Tried, held: dict[str, Lock]) -> Job | None:
    """The first job that no other worker takes, marked in its status as taken by this one; should
    this worker be killed before the job begins, another may take it.

    held: the slots that are locked for it, to which those are added that it needs besides.
    """
    for folder, status in _fitting(slot, tried)[0]:
        alone = gathering.alone()
        several = turns.need(status).count > 1
        if several and not alone.acquire(wait=False):
            return None  # another gathers; who is behind this one waits, too
        tried.add((folder, status.queued))
        try:
            if _marked(folder, status, slot, gathering.GATHERING if several else STARTING):
                return (folder, status) if not several or _gathered(folder, status, held) else None
        except UserError as error:  # deleted meanwhile, or on a disk that takes nothing
            _fail(folder, status, str(error))
        finally:
            alone.release()
    return None


def _gathered(folder: Path, status: Status, held: dict[str, Lock]) -> bool:
    """Lock what the job needs besides; False where it was cancelled meanwhile."""
    try:
        needed = gathering.needed(status)
        gathering.gather(needed, held, lambda: gathering.alive(folder))
        ordered = gathering.in_order(needed, held)
        held.clear()
        held.update(ordered)
        gathering.marked(folder, held)
    except gathering.Gone:
        return False
    return True


def _marked(folder: Path, before: Status, slot: str, stage: str) -> bool:
    """Mark the job as this worker's; False where it is another's by now, or no more queued."""
    mine: list[Status] = []

    def take(now: Status) -> Status:
        if now.state != "queued" or now.queued != before.queued or _claimed(folder, now):
            return now
        # one that gathers is of no single slot: at all that it may use it keeps its place
        device = now.device if stage == gathering.GATHERING else devices.device_of(slot)
        mine.append(replace(transitions.own(now), device=device, stage=stage))
        return mine[0]

    transitions.change(folder, take)
    return bool(mine)


def _run(
    folder: Path, before: Status, command: Callable[[Path], list[str]], held: turns.Held
) -> None:
    log = folder / "log.txt"
    offset = log.stat().st_size if log.exists() else 0
    try:
        code = _child(command(folder), log, folder, held)
    except OSError as error:
        _fail(folder, before, f"It could not be started: {error}.")
        return
    lines = tail(log, 1, offset)
    _fail(
        folder,
        before,
        lines[-1] if lines else f"Its process ended with status {code} before it began.",
    )


def _child(command: list[str], log: Path, folder: Path, held: turns.Held) -> int:
    needed = turns.need(jobs.read(folder))
    with durable.appending(log) as out:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=children.FOLDER,
            env={
                **children.environment(),
                "PYTHONUNBUFFERED": "1",
                **turns.environment(held, needed),
            },
            pass_fds=[lock.file for lock in held.values()],
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
            if same and (transitions.owned(now) or not _claimed(folder, now))
            else now
        )

    with suppress(UserError):  # deleted meanwhile; the next job is waiting
        transitions.change(folder, edit)
