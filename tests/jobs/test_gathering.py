"""Jobs at several slots: nobody waits for ever, no slot has two jobs, and locks go as one."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import until

from smd import devices, jobs
from smd.errors import UserError
from smd.jobs import gathering, launch, overview, session, transitions, turns, worker
from smd.jobs.locks import AllLocks, slot_lock
from smd.several import Need
from tests.jobs.jobbing import new_run, runs_folder, state

pytestmark = pytest.mark.usefixtures(runs_folder.__name__)
FORK = multiprocessing.get_context("fork")
# takes each of its slots as a folder that nobody else may have made, and says which they are
TAKES = """
for word in $SMD_TURN; do
    case $word in cpu*) mkdir "$0/$word" || echo clash; printf "$word ";; esac
done; echo
sleep 0.05
for word in $SMD_TURN; do
    case $word in cpu*) rmdir "$0/$word";; esac
done
"""


@pytest.fixture
def slots(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A machine with three slots of the CPU, and enough cores."""
    monkeypatch.setenv(devices.SETTING, "cpu:3")
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    return devices.pool()


@pytest.fixture
def busy() -> Iterator[None]:
    """Somebody else's job at the first slot."""
    lock = slot_lock("cpu")
    lock.acquire()
    yield
    lock.release()


def several(count: str) -> Path:
    return new_run(device="cpu", devices=count)


def started(slot: str, script: str = "echo $SMD_TURN", place: str = "") -> multiprocessing.Process:
    command = lambda folder: ["sh", "-c", script, place]  # noqa: E731
    process = FORK.Process(target=worker.work, args=(slot, command))
    process.start()
    return process


def gathers(folder: Path) -> bool:
    return jobs.read(folder).stage == gathering.GATHERING


def said(folder: Path) -> list[str]:
    return [word for line in launch.log_tail(folder) for word in line.split()]


def test_many_workers_run_jobs_of_every_size_once_and_no_slot_has_two(
    slots: tuple[str, ...], tmp_path: Path
) -> None:
    counts = ["2", "", "3", "2", "", "all", "2", ""]
    folders = [several(count) for count in counts]
    workers = [started(slot, TAKES, str(tmp_path)) for slot in slots]
    for each in workers:
        each.join(60)
    assert [each.exitcode for each in workers] == [0] * 3
    wanted = [{"": 1, "all": 3}.get(count) or int(count) for count in counts]
    assert [len(set(said(folder))) for folder in folders] == wanted
    assert all(set(said(folder)) <= set(slots) for folder in folders)
    assert worker.queued() == [] and not any(slot_lock(slot).busy() for slot in slots)


def test_a_job_that_gathers_goes_before_what_was_queued_later(
    slots: tuple[str, ...], busy: None
) -> None:
    wide, later = several("3"), several("")
    process = started("cpu:1")
    until(lambda: gathers(wide) and slot_lock("cpu:2").busy(), "it to have what is free")
    fitting, behind = worker._fitting("cpu:2", set())
    assert (fitting, [folder for folder, _ in behind]) == ([], [later])
    assert not any(each.working for each in overview.described(overview.active()))
    process.kill()
    process.join()
    assert not slot_lock("cpu:1").busy() and not slot_lock("cpu:2").busy()
    assert [folder for folder, _ in worker._fitting("cpu:2", set())[0]] == [wide, later]


def test_a_job_of_any_gpu_keeps_its_place_at_all_of_them_while_it_gathers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(devices.SETTING, "0,1,2")
    wide, later = new_run(device="auto", devices="3"), new_run(device="auto")
    assert worker._marked(wide, jobs.read(wide), "cuda:1", gathering.GATHERING)
    for slot in ("cuda:0", "cuda:2"):
        fitting, behind = worker._fitting(slot, set())
        assert (fitting, [folder for folder, _ in behind]) == ([], [later])
    assert turns.need(jobs.read(wide)).count == 3


def test_what_is_cancelled_while_it_gathers_leaves_its_slots_to_the_next(
    slots: tuple[str, ...], busy: None
) -> None:
    wide, later = several("3"), several("")
    process = started("cpu:1")
    until(lambda: gathers(wide), "it to wait")
    launch.cancel(wide)
    process.join(60)
    assert (process.exitcode, state(wide), state(later)) == (0, "cancelled", "failed")
    assert said(later)[0] == "cpu:1"


def test_two_that_gather_wait_for_each_other_in_turn(slots: tuple[str, ...], busy: None) -> None:
    first, second = several("3"), several("2")
    one, other = started("cpu:1"), started("cpu:2")
    until(lambda: gathers(first), "the first to wait")
    assert jobs.read(second).pid == 0
    os.kill(one.pid or 0, signal.SIGSTOP)  # its locks are its own, whatever becomes of it
    assert gathering.alone().busy()
    os.kill(one.pid or 0, signal.SIGKILL)
    until(lambda: gathers(first), "the other worker to take it")
    launch.cancel(first)
    other.join(60)
    assert (state(second), said(second)[::2]) == ("failed", ["cpu:1", "cpu:2"])
    one.join()


def test_a_job_in_a_terminal_waits_for_its_slots_and_has_them_all(
    slots: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, lock, told = several("2"), slot_lock("cpu"), list[str]()
    transitions.change(folder, transitions.own)
    held = [slot_lock(slot) for slot in slots[1:]]
    assert lock.acquire(wait=False) and held[0].acquire(wait=False)

    def tell(line: str) -> None:
        told.append(line)
        assert gathers(folder)
        held[0].release()

    with session.claimed(folder, tell):
        assert devices.given() == ("cpu:1", "cpu:2")
        with session.session(folder, "cpu"):
            assert overview.at(jobs.read(folder)) == ("cpu",)
            assert all(slot_lock(slot).busy() for slot in slots)
            assert not gathering.alone().busy()
    assert told == ["Waiting for 2 devices: others use them."]
    assert state(folder) == "finished" and not slot_lock("cpu:2").busy()
    lock.release()


def test_a_job_in_a_terminal_can_be_cancelled_while_it_waits(
    slots: tuple[str, ...], busy: None
) -> None:
    folder = several("3")
    transitions.change(folder, transitions.own)
    with pytest.raises(session.Cancelled), session.claimed(folder, lambda _: launch.cancel(folder)):
        pytest.fail("it began")
    assert not slot_lock("cpu:1").busy()


def test_a_process_inherits_the_locks_of_all_its_slots(
    slots: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {slot: slot_lock(slot) for slot in slots[:2]}
    need = turns.need(jobs.Status(device="cpu", devices="2"))
    assert all(lock.acquire(wait=False) for lock in held.values())
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    told = turns.environment(held, need)
    assert told["OMP_NUM_THREADS"] == "2"  # of 8 cores two of three slots have 5, for 2 processes
    files = [os.dup(lock.file) for lock in held.values()]
    monkeypatch.setenv(devices.TURN, f"cpu {files[0]} cpu:1 {files[1]}")
    for lock in held.values():
        lock.release()
    turn = turns.turn("cpu")
    assert slot_lock("cpu").busy() and slot_lock("cpu:1").busy()
    assert turn.acquire(wait=False)
    turn.release()
    assert not slot_lock("cpu").busy() and devices.given() == ("cpu", "cpu:1")
    assert isinstance(turns.turn("cpu"), AllLocks)  # the numbers are used once


def test_all_locks_or_none(slots: tuple[str, ...], busy: None) -> None:
    both = AllLocks([slot_lock("cpu:1"), slot_lock("cpu")])
    assert not both.acquire(wait=False) and not slot_lock("cpu:1").busy()
    other = AllLocks([slot_lock("cpu:2"), slot_lock("cpu:1")])
    thread = threading.Thread(target=other.acquire)
    thread.start()
    thread.join(60)
    assert slot_lock("cpu:1").busy()
    other.release()


def test_a_job_goes_on_with_another_number_and_an_impossible_one_is_refused(
    slots: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "_wake", lambda slot: None)
    folder = several("2")
    transitions.move(folder, "cancelled")
    with pytest.raises(UserError, match="99 devices are asked for and 8 cores"):
        launch.resume(folder, "99")
    launch.resume(folder, "3")
    assert jobs.read(folder).devices == "3"
    transitions.move(folder, "cancelled")
    launch.resume(folder)
    assert jobs.read(folder).devices == "2"


def test_what_this_machine_no_longer_has_ends_a_job_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(devices.SETTING, "0,1")
    monkeypatch.setattr("smd.jobs.device_check._asked", lambda slot: "")
    folder = new_run(device="auto", devices="2")
    monkeypatch.setenv(devices.SETTING, "0")
    worker.work("cuda:0", lambda folder: pytest.fail("it was started"))
    assert state(folder) == "failed"
    assert jobs.read(folder).error == (
        "2 devices are asked for and 1 GPU may be used: ask for at most 1."
    )


def test_a_held_slot_that_is_not_needed_is_let_go_and_another_taken(slots: tuple[str, ...]) -> None:
    lock = slot_lock(slots[0])
    lock.acquire()
    held = {slots[0]: lock}
    need = Need(slots[1:], 2, 2)
    gathering.gather(need, held, lambda: None)
    try:
        assert list(gathering.in_order(need, held)) == [*slots[1:]]
        assert not slot_lock(slots[0]).busy()
    finally:
        for each in held.values():
            each.release()
