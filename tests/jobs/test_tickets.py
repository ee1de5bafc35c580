"""Nothing that came with a folder starts by itself.

Only what this installation has put where it is.
"""

import json
import os
import shutil
import stat
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from smd import jobs, paths
from smd.config.schema import AttackConfig, TrainConfig
from smd.errors import UserError
from smd.files import secret
from smd.jobs import Status, launch, tickets, transitions, worker
from smd.runs import folders
from tests.jobs.jobbing import new_run, runs_folder

__all__ = ["runs_folder"]
pytestmark = pytest.mark.usefixtures("runs_folder")


def queued() -> list[Path]:
    return [folder for folder, _ in worker.queued()]


def forged(folder: Path, **fields: object) -> None:
    """A status as somebody else may write it."""
    values = {**asdict(Status(created=1.0, queued=1.0)), **fields}
    (folder / "status.json").write_text(json.dumps(values))


def test_what_was_queued_here_is_run() -> None:
    folder = new_run()
    assert queued() == [folder]
    assert jobs.read(folder).state == "queued"


@pytest.mark.parametrize("ticket", ["", "0" * 64, "é"])
def test_a_queued_status_without_our_ticket_starts_nothing_and_says_so(
    ticket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_run()
    forged(folder, by=tickets.me(), ticket=ticket)
    woken: list[str] = []
    monkeypatch.setattr(launch, "_wake", woken.append)
    launch.wake_all()
    assert woken == []
    assert queued() == []
    assert jobs.read(folder).state == "lost"
    assert "resume it to run it here" in jobs.read(folder).error


def test_a_copy_of_a_queued_run_and_of_its_jobs_starts_nothing_until_it_is_resumed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = folders.create(TrainConfig(device="cpu"))
    run.weights.touch()
    folders.create_job(run, AttackConfig(run.id, device="cpu"))
    assert len(queued()) == 2
    copy = run.folder.with_name(run.folder.name + "-copy")
    shutil.copytree(run.folder, copy)
    assert len(queued()) == 2
    assert {jobs.read(f).state for f in (copy, *copy.glob("attacks/*"))} == {"lost"}
    monkeypatch.setattr(launch, "submit", lambda folder: None)
    launch.resume(copy)
    assert jobs.read(copy).state == "queued"
    assert copy in queued()


def test_another_config_under_the_same_status_is_another_job() -> None:
    folder = new_run()
    (folder / "config.json").write_text(json.dumps({"data": "folder", "data_path": "/etc"}))
    assert jobs.read(folder).state == "lost"


def test_what_another_user_or_machine_has_queued_waits_for_them() -> None:
    folder = new_run()
    forged(folder, by="somebody@elsewhere", ticket="0" * 64)
    assert jobs.read(folder).state == "queued"
    assert queued() == []


def test_cancelling_a_copy_of_a_running_job_stops_nothing() -> None:
    folder = new_run()
    running = replace(transitions.own(jobs.read(folder)), state="running")
    transitions.write(folder, running)
    copy = folder.with_name(folder.name + "-copy")
    shutil.copytree(folder, copy)
    assert jobs.read(folder).state == "running"
    with pytest.raises(UserError, match="is lost: nothing to cancel"):
        launch.cancel(copy)


def test_a_crafted_status_ends_no_process() -> None:
    """With the number and the start of a living process, as anybody on this machine can read
    them."""
    folder = new_run()
    running = replace(
        transitions.own(jobs.read(folder)), state="running", by=tickets.me(), ticket="0" * 64
    )
    forged(folder, **asdict(running))
    with pytest.raises(UserError, match="nothing to cancel"):
        launch.cancel(folder)


def test_the_key_is_this_user_s_own_and_stays_the_same() -> None:
    place = new_run()
    first = tickets.ticket(place, place / "config.json")
    key = paths.state_root() / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_bytes()) == secret.BYTES
    assert [name for name in os.listdir(key.parent) if name.startswith(".")] == []  # noqa: PTH208
    secret.key.cache_clear()
    assert tickets.ticket(place, place / "config.json") == first


def test_a_place_that_can_keep_no_key_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SMD_STATE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="point SMD_STATE at a folder of your own"):
        new_run()
