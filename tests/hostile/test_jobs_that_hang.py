"""Jobs that hang, statuses that cannot be read for a while, weights that a power loss emptied, many
at once."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load
from waiting import until

from smd import jobs
from smd.errors import UserError
from smd.jobs import launch, results, session, transitions, worker
from smd.jobs.locks import Lock, own
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders, notes
from tests.jobs.jobbing import new_run, script, state

HANGING = """
import sys, time
from pathlib import Path
from smd.jobs.session import session
with session(Path(sys.argv[1]), "cpu"):
    while True:
        time.sleep(0.05)
"""
NOTING = """
import sys
from dataclasses import replace
from smd.runs import folders, notes
run = folders.find("last")
notes.change(run, lambda before: replace(before, tags=(*before.tags, sys.argv[1])))
"""


@pytest.mark.usefixtures("own_runs")
class TestHanging:
    def test_its_worker_kills_a_job_that_does_not_stop(self, tmp_path, monkeypatch):
        monkeypatch.setattr(transitions, "GRACE", 0.3)
        monkeypatch.setattr(worker, "LOOK", 0.02)
        monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
        folder, code = new_run(), script(tmp_path, "hanging.py", HANGING)
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(worker.work, "cpu", lambda f: [sys.executable, str(code), str(f)])
            until(lambda: state(folder) == "running", "running")
            pid = jobs.read(folder).pid
            launch.cancel(folder)
            assert state(folder) == "running"  # it has a while to save what it has
            working.result(60)
        assert state(folder) == "cancelled"
        assert not os.path.exists(f"/proc/{pid}")  # noqa: PTH110

    def test_without_a_worker_a_second_cancel_kills(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
        folder, code = new_run(), script(tmp_path, "hanging.py", HANGING)
        child = subprocess.Popen([sys.executable, str(code), str(folder)])
        with ThreadPoolExecutor(1) as pool:
            reaped = pool.submit(child.wait, 60)
            until(lambda: state(folder) == "running", "running")
            launch.cancel(folder)
            launch.cancel(folder)  # too early: it is only asked again
            assert child.poll() is None and state(folder) == "running"
            monkeypatch.setattr(transitions, "GRACE", 0.0)
            launch.cancel(folder)
            reaped.result()
        assert state(folder) == "cancelled"


def test_a_status_that_cannot_be_read_for_a_while_ends_nothing(own_runs):
    folder = new_run()
    status = folder / "status.json"
    with session.session(folder, "cpu") as job:
        job.beat()
        whole = status.read_bytes()
        for broken in (
            lambda: status.write_bytes(b""),
            lambda: status.write_bytes(b"{"),
            status.unlink,
        ):
            broken()
            with_error = None
            try:
                job.beat()
            except OSError as error:
                with_error = error
            assert not job.stopping, with_error
        status.mkdir()
        job.beat()
        assert not job.stopping
        status.rmdir()
        status.write_bytes(whole)
        job.beat()
        assert not job.stopping
        status.write_bytes(b"")
    assert state(folder) == "finished"


def test_a_job_that_waits_for_its_device_is_not_ended_by_it_either(own_runs):
    folder = new_run()
    (folder / "status.json").write_bytes(b"")
    assert not session._taken(folder)
    (folder / "status.json").write_text(json.dumps({"state": "cancelled"}))
    assert session._taken(folder)


@pytest.mark.parametrize("damage", [b"", bytes(100), b"\x10", (50).to_bytes(8, "little") + b"{}"])
def test_a_finished_run_whose_weights_are_broken_says_so_and_can_be_resumed(
    finished, damage, monkeypatch
):
    run, _ = finished
    monkeypatch.setattr(launch, "submit", lambda folder: None)
    whole = run.weights.read_bytes()
    with pytest.raises(UserError, match="cannot be resumed"):
        launch.resume(run.folder)
    run.weights.write_bytes(damage)
    assert (run.status.state, run.status.error) == ("failed", results.EMPTIED)
    launch.resume(run.folder)
    assert run.status.state == "queued"
    run.weights.write_bytes(whole)


@pytest.mark.slow
def test_weights_that_are_cut_short_can_be_written_again_from_the_checkpoint(finished, monkeypatch):
    from smd.tasks.train import train_run

    run, _ = finished
    monkeypatch.setattr(launch, "submit", lambda folder: None)
    before = load(run.weights.read_bytes())  # a copy: load_file maps the file, which is cut next
    run.weights.write_bytes(run.weights.read_bytes()[:-7])
    launch.resume(run.folder)
    train_run(run)
    after = load(run.weights.read_bytes())
    assert run.status.state == "finished" and after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_sixteen_notes_at_once_are_all_kept(own_runs, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    run = folders.Run(new_run().name, own_runs / "x")
    with ThreadPoolExecutor(16) as pool:
        done = list(
            pool.map(
                lambda i: notes.change(
                    folders.find("last"),
                    lambda before: replace(before, tags=(*before.tags, f"t{i}")),
                ),
                range(16),
            )
        )
    assert len(done) == 16
    assert sorted(notes.read(folders.find("last")).tags) == sorted(f"t{i}" for i in range(16)), run
    few = [subprocess.Popen([sys.executable, "-c", NOTING, f"p{i}"]) for i in range(3)]
    assert [each.wait(60) for each in few] == [0, 0, 0]
    assert len(notes.read(folders.find("last")).tags) == 19


def test_forty_sessions_that_open_at_once_start_one_worker(own_runs, monkeypatch):
    new_run()
    started = []

    def slow(key):
        started.append(key)
        return subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
        )

    children = []
    monkeypatch.setattr(launch, "_wake", lambda key: children.append(slow(key)) or children[-1])
    with ThreadPoolExecutor(40) as pool:
        list(pool.map(lambda _: launch.wake_all(), range(40)))
    assert started == ["cpu"]
    children[0].stdin.close()
    children[0].wait(60)
    until(lambda: Lock(own("worker-cpu.starting")).acquire(wait=False), "released")


def test_a_worker_that_works_lets_others_be_started_later(own_runs, monkeypatch):
    new_run()
    woken = []
    monkeypatch.setattr(launch, "_wake", woken.append)
    lock = worker.worker_lock("cpu")
    assert lock.acquire(wait=False)
    launch.wake_all()
    assert woken == []
    lock.release()
    deadline = time.monotonic() + 60
    while not woken and time.monotonic() < deadline:
        launch.wake_all()
    assert woken == ["cpu"]
