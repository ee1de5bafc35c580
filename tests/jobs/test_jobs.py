import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import get_args

import psutil
import pytest
from waiting import until

from smd import jobs
from smd.errors import UserError
from smd.jobs import State, Status, clocks, overview, transitions
from smd.jobs.processes import identity
from tests.jobs.jobbing import python, runs_folder, script

pytestmark = pytest.mark.usefixtures(runs_folder.__name__)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    transitions.create(tmp_path / "job", "train", "cpu", {"config.json": {"a": 1}})
    return tmp_path / "job"


def store(folder: Path, **fields: object) -> None:
    values = {**asdict(jobs.read(folder)), **fields}
    (folder / "status.json").write_text(json.dumps(values))


def test_a_new_job_is_queued_with_its_files(folder: Path) -> None:
    status = jobs.read(folder)
    assert (status.state, status.kind, status.device, status.pid) == ("queued", "train", "cpu", 0)
    assert 0 < status.created == status.queued <= time.time()
    assert json.loads((folder / "config.json").read_text()) == {"a": 1}
    assert {p.name for p in folder.iterdir()} == {
        "config.json",
        "status.json",
        "status.reserve",
        ".lock",
        "log.txt",
    }


def test_a_job_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        transitions.create(tmp_path / "runs" / "job", "train", "cpu", {"config.json": object()})
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "Expecting"),
        ("[]", "object"),
        ('{"state": "paused"}', "paused"),
        ('{"pid": "x"}', "pid"),
        ("\xff", ""),
    ],
)
def test_a_broken_status_reads_as_failed_and_can_be_resumed(
    folder: Path, text: str, word: str
) -> None:
    (folder / "status.json").write_text(text, encoding="latin-1")
    status = jobs.read(folder)
    assert status.state == "failed"
    assert "status.json cannot be read" in status.error and word in status.error
    assert status.created == pytest.approx(time.time(), abs=60)
    assert transitions.move(folder, "queued").state == "queued"


def test_a_missing_status_or_folder_reads_as_failed(folder: Path) -> None:
    (folder / "status.json").unlink()
    assert "is missing" in jobs.read(folder).error
    assert jobs.read(folder / "nowhere").state == "failed"
    with pytest.raises(UserError, match="nowhere is gone"):
        transitions.move(folder / "nowhere", "queued")


def test_fields_of_a_later_version_are_ignored(folder: Path) -> None:
    store(folder, mood="good", done=7)
    assert (jobs.read(folder).state, jobs.read(folder).done) == ("queued", 7)


def test_a_newer_schema_is_shown_and_never_overwritten(folder: Path) -> None:
    store(folder, schema=jobs.SCHEMA + 1, state="dreaming", pid="none")
    before = (folder / "status.json").read_bytes()
    assert jobs.read(folder).state == "failed"
    assert "update" in jobs.read(folder).error
    with pytest.raises(UserError, match="update"):
        transitions.move(folder, "queued")
    assert (folder / "status.json").read_bytes() == before


def test_a_running_job_is_lost_once_its_process_is_a_zombie(folder: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = psutil.Process(child.pid)
    store(
        folder,
        state="running",
        pid=child.pid,
        pid_started=process.create_time(),
        host=platform.node(),
    )
    assert jobs.read(folder).state == "running"
    assert child.stdin is not None
    child.stdin.close()
    until(lambda: process.status() == psutil.STATUS_ZOMBIE, "zombie")
    assert jobs.read(folder).state == "lost"
    child.wait()
    assert jobs.read(folder).state == "lost"


def test_a_running_job_is_lost_once_another_process_has_its_pid(folder: Path) -> None:
    started = psutil.Process().create_time()
    here = {
        "state": "running",
        "pid": os.getpid(),
        "host": platform.node(),
        "heartbeat": time.time(),
    }
    store(folder, **here, pid_started=started)
    assert jobs.read(folder).state == "running"
    store(folder, **here, pid_started=started - 60)
    assert jobs.read(folder).state == "lost"
    assert "resume" in jobs.read(folder).error


def test_a_step_of_the_clock_takes_no_job_for_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """psutil computes a start from the wall clock: 5 s later after a step of 5 s."""
    transitions.write(folder, transitions.own(jobs.Status(state="running")))
    started = psutil.Process().create_time()
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: started + 5)
    assert jobs.read(folder).state == "running"
    assert transitions.owned(jobs.read(folder))


@pytest.mark.skipif(platform.system() != "Linux", reason="boots and ticks are Linux's")
def test_a_process_is_told_from_the_next_one_and_from_one_before_the_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = identity(os.getpid())
    assert here == identity(os.getpid())
    assert here != identity(os.getppid())
    assert identity(2**22 + 1) == ""
    (tmp_path / "boot").write_text("another boot\n")
    monkeypatch.setattr("smd.jobs.processes.BOOT", tmp_path / "boot")
    assert identity(os.getpid()) not in ("", here)


def test_a_job_on_another_host_is_lost_when_its_heartbeat_is_old(folder: Path) -> None:
    there = {"state": "running", "pid": 1, "host": "elsewhere"}
    store(folder, **there, heartbeat=time.time() - 60)
    assert jobs.read(folder).state == "running"
    store(folder, **there, heartbeat=time.time() - 180)
    os.utime(folder / "status.json", (time.time() - 180,) * 2)
    assert jobs.read(folder).state == "lost"


LEGAL = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("queued", "failed"),
    ("running", "finished"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("lost", "queued"),
    ("failed", "queued"),
    ("cancelled", "queued"),
}


@pytest.mark.parametrize(("old", "new"), list(product(get_args(State), repeat=2)))
def test_only_legal_moves_are_made(folder: Path, old: State, new: State) -> None:
    stored = transitions.own(replace(jobs.read(folder), state=old))
    if old == "lost":
        stored = replace(stored, state="running", pid=0)
    transitions.write(folder, stored)
    if (old, new) in LEGAL:
        assert transitions.move(folder, new).state == jobs.read(folder).state == new
    else:
        with pytest.raises(UserError, match=f"The run job is {old}: "):
            transitions.move(folder, new)
        assert jobs.read(folder).state == old


def test_a_finished_job_says_why_it_cannot_be_cancelled(folder: Path) -> None:
    store(folder, state="finished")
    with pytest.raises(UserError, match=r"^The run job is finished: nothing to cancel\.$"):
        transitions.move(folder, "cancelled")


def test_a_resumed_job_keeps_its_progress_and_forgets_its_end(folder: Path) -> None:
    store(
        folder,
        state="failed",
        error="no memory",
        pid=5,
        started=1.0,
        ended=2.0,
        done=7,
        total=9,
        queued=1.0,
    )
    status = transitions.move(folder, "queued")
    assert (status.done, status.total, status.device) == (7, 9, "cpu")
    assert (status.error, status.pid, status.started, status.ended) == ("", 0, 0.0, 0.0)
    assert status.queued > status.created - 1


WRITES = """
import sys
from dataclasses import replace
from pathlib import Path
from smd import jobs
from smd.jobs import transitions
for k in range(200):
    edit = lambda old: replace(old, done=k + 1, error="m" * (k * 50))
    transitions.change(Path(sys.argv[1]), edit)
"""


def test_a_reader_never_sees_half_a_status(folder: Path, tmp_path: Path) -> None:
    writer = python(script(tmp_path, "writes.py", WRITES), folder)
    seen: set[int] = set()
    while writer.poll() is None or not seen:
        values = json.loads((folder / "status.json").read_text())
        assert len(values["error"]) == max(0, values["done"] - 1) * 50
        seen.add(values["done"])
    assert writer.returncode == 0
    assert jobs.read(folder).done == 200
    assert len(seen) > 5


DASHBOARD = """
import sys
from pathlib import Path
from smd.jobs import transitions
from smd.errors import UserError
folder, balance = Path(sys.argv[1]), 0
for k in range(150):
    for to, step in (("cancelled", 1), ("queued", -1)):
        try:
            transitions.move(folder, to)
            balance += step
        except UserError:
            pass
Path(sys.argv[2]).write_text(str(balance))
"""


@pytest.mark.slow
def test_two_dashboards_cancel_and_resume_without_losing_a_move(
    folder: Path, tmp_path: Path
) -> None:
    code, notes = script(tmp_path, "dashboard.py", DASHBOARD), [tmp_path / "a", tmp_path / "b"]
    for process in [python(code, folder, note) for note in notes]:
        assert process.wait(30) == 0
    balance = sum(int(note.read_text()) for note in notes)
    assert jobs.read(folder).state == {0: "queued", 1: "cancelled"}[balance]


def test_a_status_survives_its_file(folder: Path) -> None:
    status = Status(
        kind="attack", stage="attacking", done=3, total=8, rate=1.5, eta=20.0, error="é"
    )
    transitions.write(folder, status)
    assert replace(jobs.read(folder), by="", ticket="") == status


def test_what_is_known_of_a_folder_goes_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMD_RUNS", str(tmp_path))
    folder = tmp_path / "20260101-0000-over"
    transitions.create(folder, "train", "cpu", {"config.json": {}})
    store(folder, state="cancelled")
    clocks.silence(folder, 1.0)
    overview.active()
    assert folder in overview._over and folder in clocks._seen
    folder.rename(tmp_path / ".gone")
    overview.active()
    assert folder not in overview._over and folder not in clocks._seen
