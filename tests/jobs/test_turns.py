"""One queue for all devices: who takes which job, on machines with made-up devices."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from waiting import until

from smd import devices, hardware, jobs
from smd.errors import UserError
from smd.jobs import device_check, launch, overview, session, transitions, turns, worker
from smd.jobs.locks import device_lock, slot_lock
from tests.jobs.jobbing import JOB, let_go, new_run, runs_folder, script, state

pytestmark = pytest.mark.usefixtures(runs_folder.__name__)

WORKER = """
import sys
from smd.jobs.worker import work
work(sys.argv[1], lambda folder: [sys.executable, sys.argv[2], str(folder)])
"""


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with cuda:0 and cuda:1, with which nothing is wrong."""
    monkeypatch.setattr(hardware, "_count", lambda: 2)
    monkeypatch.setattr(device_check, "_asked", lambda slot: "")


def says(line: str) -> list[str]:
    """A job that only says so; it fails, as it never begins its session."""
    return ["sh", "-c", f"echo {line}"]


def waiter(slot: str, job: Path, code: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, code, slot, job], start_new_session=True)


def test_every_job_is_run_once_by_many_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(devices.SETTING, "cpu:4")
    folders = [new_run(device="auto") for _ in range(12)]
    fork = multiprocessing.get_context("fork")
    slots = devices.pool()
    workers = [
        fork.Process(target=worker.work, args=(slot, lambda folder, slot=slot: says(slot)))
        for slot in slots
    ]
    for each in workers:
        each.start()
    for each in workers:
        each.join(60)
    assert [each.exitcode for each in workers] == [0] * 4
    said = [launch.log_tail(folder) for folder in folders]
    assert all(len(lines) == 1 for lines in said)  # begun once, by one of them
    assert {lines[0] for lines in said} <= set(slots)
    assert worker.queued() == []


def test_auto_is_every_free_slot_and_the_next_job_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(devices.SETTING, "cpu:2")
    first, second, third = (new_run(device="auto") for _ in range(3))
    job, code = script(tmp_path, "job.py", JOB), script(tmp_path, "worker.py", WORKER)
    workers = [waiter(slot, job, code) for slot in devices.pool()]
    until(lambda: state(first) == state(second) == "running", "both slots")
    assert (state(third), jobs.read(third).device) == ("queued", "auto")
    assert all(slot_lock(slot).busy() for slot in devices.pool())
    assert [len(each.working) for each in overview.described(overview.active())] == [2]
    workers[0].kill()  # its job goes on, and keeps the slot
    workers[0].wait()
    assert all(slot_lock(slot).busy() for slot in devices.pool())
    for folder in (first, second, third):
        let_go(folder)
    assert workers[1].wait(30) == 0
    assert [state(f) for f in (first, second, third)] == ["finished"] * 3
    assert not any(slot_lock(slot).busy() for slot in devices.pool())


def test_jobs_that_name_a_device_wait_for_it_and_the_order_is_kept(two_gpus: None) -> None:
    asked = ["cuda:0", "auto", "cuda:1", "cuda", "auto"]
    folders = [new_run(device=device) for device in asked]
    ran: list[str] = []

    def command(folder: Path) -> list[str]:
        ran.append(folder.name)
        assert jobs.read(folder).device == "cuda:1"  # where it is being started
        return says("x")

    worker.work("cuda:1", command)
    assert ran == [folders[k].name for k in (1, 2, 4)]
    assert [state(folders[k]) for k in (0, 3)] == ["queued", "queued"]


def test_a_busy_slot_is_waited_for_only_as_long_as_there_is_a_job(
    two_gpus: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, lock = new_run(device="auto"), slot_lock("cuda:1")
    lock.acquire()
    looks: list[float] = []
    monkeypatch.setattr(worker, "AGAIN", 0.0)
    monkeypatch.setattr(worker, "POLL", 0.0)

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:  # another slot's worker takes it
            transitions.move(folder, "cancelled")

    monkeypatch.setattr(worker.time, "sleep", sleep)
    worker.work("cuda:1", lambda folder: pytest.fail("it was taken"))
    assert len(looks) == 3
    lock.release()


def test_workers_are_started_for_as_many_free_slots_as_jobs_wait(
    two_gpus: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    monkeypatch.setattr(launch, "_wake", woken.append)
    first = new_run(device="auto")
    launch.submit(first)
    assert woken == ["cuda:0"]
    lock = slot_lock("cuda:0")
    lock.acquire()  # somebody else's job
    launch.submit(first)
    assert woken == ["cuda:0", "cuda:1"]
    woken.clear()
    launch.submit(new_run(device="auto"))  # none is idle for the second: both look
    assert sorted(woken) == ["cuda:0", "cuda:1"]
    lock.release()


def test_a_resumed_job_may_take_another_device(two_gpus: None) -> None:
    folder = new_run(device="auto")
    with pytest.raises(session.Cancelled), session.session(folder, "cuda:1"):
        assert jobs.read(folder).device == "cuda:1"
        raise session.Cancelled
    assert jobs.read(folder).device == "cuda:1"  # what it ran on
    assert transitions.move(folder, "queued").device == "auto"


def test_a_broken_gpu_takes_no_job_that_may_run_elsewhere(
    two_gpus: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"cuda:0": "cuda:0 cannot be used: it fell off the bus."}
    monkeypatch.setattr(device_check, "_asked", lambda slot: told.get(slot, ""))
    free, named = new_run(device="auto"), new_run(device="cuda:0")
    worker.work("cuda:0", lambda folder: says("here"))
    assert (state(free), state(named)) == ("queued", "failed")
    assert turns.usable() == ("cuda:1",)
    assert overview.described([])[0].problem == told["cuda:0"]
    told["cuda:1"] = "cuda:1 cannot be used either."
    assert device_check.problem("cuda:1") == told["cuda:1"]
    assert turns.usable() == ("cpu",)  # what is left
    monkeypatch.setenv(devices.SETTING, "0,1")
    assert turns.usable() == ("cuda:0", "cuda:1")  # as somebody has said


def test_what_was_found_of_a_gpu_is_asked_again_after_a_while_and_after_an_update(
    two_gpus: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(device_check, "_asked", lambda slot: asked.append(slot) or "Broken.")
    assert device_check.known("cuda:0") == ""
    assert [device_check.problem("cuda:0") for _ in range(2)] == ["Broken."] * 2
    assert len(asked) == 1
    monkeypatch.setattr(device_check, "AGAIN", -1.0)
    device_check.problem("cuda:0")
    assert len(asked) == 2
    monkeypatch.setattr(device_check, "AGAIN", 300.0)
    monkeypatch.setattr(device_check, "_here", lambda: {"boot": "next", "torch": "3"})
    assert device_check.known("cuda:0") == ""
    assert device_check.problem("cpu") == "" and len(asked) == 2


def test_torch_says_why_it_cannot_use_a_gpu() -> None:
    import torch

    if torch.cuda.is_available():
        assert device_check.tried("cuda:0") == ""
    assert device_check.tried("cuda:63").endswith(".")


def test_jobs_in_one_process_each_get_a_slot_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(devices.SETTING, "cpu:2,1")
    folder = new_run(device="auto")
    with session.claimed(folder):
        assert devices.given() == ("cpu",)
        with turns.looked_for("auto"):  # has its slot already
            assert devices.given() == ("cpu",)
        with session.session(folder, "cpu"):
            assert slot_lock("cpu").busy() and not slot_lock("cpu:1").busy()
            assert jobs.read(folder).device == "cpu"
    assert (state(folder), devices.given(), slot_lock("cpu").busy()) == ("finished", (), False)
    locks = [device_lock("cpu") for _ in range(3)]
    assert [lock.acquire(wait=False) for lock in locks] == [True, True, False]
    for lock in locks:
        lock.release()


def test_an_open_file_of_something_else_is_no_lock(tmp_path: Path) -> None:
    with (tmp_path / "other").open("wb") as other:
        assert not slot_lock("cpu").inherit(other.fileno())
    assert not slot_lock("cpu").inherit(10**6)


def test_a_device_that_may_not_be_used_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = new_run(device="cpu")
    transitions.move(folder, "cancelled")
    monkeypatch.setenv(devices.SETTING, "0,1")
    with pytest.raises(UserError, match="SMD_DEVICES=0,1 leaves cpu out"):
        launch.resume(folder)
    with pytest.raises(UserError, match="SMD_DEVICES=0,1 leaves cpu out"):
        new_run(device="cpu")
    assert state(folder) == "cancelled"


def test_another_machines_job_is_believed_until_it_is_silent() -> None:
    folder, own = new_run(device="cpu"), new_run(device="cpu")
    there = jobs.Status(
        state="running", host="host-b", by="ann@host-b", pid=os.getpid(), device="cuda:3"
    )
    values = {**asdict(there), "heartbeat": time.time()}
    (folder / "status.json").write_text(json.dumps(values))
    now = overview.active()
    assert [f for f, _ in overview.here(now)] == [own]
    assert "cuda:3" not in [each.name for each in overview.described(now)]
    assert overview.elsewhere(now).startswith("1 more job is of host-b: what another machine runs")
    assert overview.elsewhere(now[:0]) == ""
    (folder / "status.json").write_text(json.dumps({**values, "heartbeat": 1.0}))
    os.utime(folder / "status.json", (1, 1))
    assert jobs.read(folder).state == "lost"
    assert jobs.read(folder).error.startswith("Nothing was heard of host-b, which ran it, for 2")
