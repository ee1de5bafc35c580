"""Clocks that are set, clocks of two machines that differ, and machines that get another name."""

import platform
import re
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from making_machines import on_host, step_clock
from waiting import until

from smd import jobs
from smd.errors import UserError
from smd.jobs import clocks, launch, session, transitions, worker
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders
from tests.jobs.jobbing import JOB, let_go, new_run, runs_folder, script, state

__all__ = ["runs_folder"]

STEPS = [3.0, -3.0, 86_400.0, -86_400.0]


@pytest.fixture
def there(runs_folder, tmp_path):
    """A job that runs on another machine: its folder and the process."""
    folder = new_run()
    process = subprocess.Popen(
        on_host("host-b", sys.executable, script(tmp_path, "job.py", JOB), folder)
    )
    until(lambda: jobs.stored(folder).state == "running", "it runs")
    yield folder, process
    process.kill()
    process.wait()


@pytest.mark.parametrize("seconds", STEPS)
def test_a_step_of_the_clock_moves_no_job(runs_folder, monkeypatch, seconds):
    folder = new_run()
    with session.session(folder, "cpu") as current:
        current.report(stage="training", eta=5.0)
        step_clock(monkeypatch, seconds)
        assert state(folder) == "running"
        current.beat()
        assert not current.stopping
        assert state(folder) == "running"
    assert state(folder) == "finished"


@pytest.mark.parametrize("seconds", STEPS)
def test_what_a_step_of_the_clock_makes_of_a_time_spent_is_never_negative(
    runs_folder, monkeypatch, capsys, seconds
):
    from smd.__main__ import main

    folder = new_run()
    with session.session(folder, "cpu"):
        step_clock(monkeypatch, seconds)
        main(["runs"])
    main(["runs"])
    assert not re.search(r"\s-\d", capsys.readouterr().out)


@pytest.mark.parametrize("seconds", STEPS)
def test_a_job_has_its_time_to_stop_whatever_the_clock_does(runs_folder, monkeypatch, seconds):
    folder = new_run()
    transitions.change(
        folder, lambda old: transitions.own(replace(old, state="running", asked=time.monotonic()))
    )
    step_clock(monkeypatch, seconds)
    assert not transitions.overdue(jobs.read(folder))
    assert transitions.overdue(
        replace(jobs.read(folder), asked=time.monotonic() - transitions.GRACE - 1)
    )


def test_the_newest_run_stays_the_newest_when_the_clock_is_set_back(runs_folder, monkeypatch):
    first = new_run()
    step_clock(monkeypatch, -3600)
    second, third = new_run(), new_run()
    assert [run.folder for run in folders.all_runs()] == [third, second, first]
    assert folders.find("last").folder == third


def test_a_folder_from_far_ahead_in_time_sets_no_run_ahead(runs_folder):
    (runs_folder / "29991231-000000-digits-smd-aaaa").mkdir(parents=True)
    assert new_run().name[:8] <= time.strftime("%Y%m%d", time.gmtime())


def test_a_machine_that_gets_another_name_goes_on_with_its_job(runs_folder, monkeypatch):
    folder = new_run()
    with session.session(folder, "cpu") as current:
        monkeypatch.setattr(platform, "node", lambda: "renamed")
        current.beat()
        assert not current.stopping
        assert state(folder) == "running"
    assert jobs.read(folder).state == "finished"


@pytest.mark.slow
@pytest.mark.parametrize("skew", [0.0, 3600.0, -3600.0])
def test_a_job_on_another_machine_is_shown_and_left_alone(there, monkeypatch, skew):
    folder, process = there
    step_clock(monkeypatch, skew)
    status = jobs.read(folder)
    assert (status.state, status.host) == ("running", "host-b")
    assert jobs.elsewhere(status).endswith("on host-b")
    for act in (launch.cancel, launch.resume):
        with pytest.raises(UserError, match=r"host-b|cannot be resumed"):
            act(folder)
    with pytest.raises(UserError, match="running"):
        folders.delete(folders.Run(folder.name, folder))
    assert process.poll() is None
    let_go(folder)
    assert process.wait() == 0
    assert state(folder) == "finished"


@pytest.mark.slow
def test_a_job_on_a_machine_whose_clock_cannot_be_told_is_watched_before_it_is_resumed(
    there, monkeypatch
):
    folder, process = there
    monkeypatch.setattr(clocks, "silence", lambda folder, heartbeat: 1e9)
    assert state(folder) == "lost"
    with pytest.raises(UserError, match="runs on host-b: cancel it there"):
        launch.resume(folder)
    assert process.poll() is None


def test_a_heartbeat_that_changes_is_a_sign_of_life_whatever_the_clocks_say(
    runs_folder, monkeypatch
):
    folder = new_run()
    monkeypatch.setattr(clocks, "_age", lambda path: float("inf"))
    assert clocks.silence(folder, 1000.0) > 1e6
    assert clocks.silence(folder, 1002.0) < 1
    assert clocks.silence(folder, 1002.0) < 1


def test_jobs_that_wait_on_another_machine_are_not_started_here(runs_folder):
    make = (
        "import sys; sys.path.insert(0, sys.argv[1]); from smd.runs import folders; "
        "from smd.config.schema import TrainConfig; "
    )
    make += "print(folders.create(TrainConfig(device='cpu')).folder)"
    subprocess.run(
        on_host("host-b", sys.executable, "-c", make, REPOSITORY), check=True, capture_output=True
    )
    (run,) = folders.all_runs()
    assert jobs.elsewhere(run.status).endswith("on host-b")
    assert worker.queued() == []
    launch.wake_all()
    assert not list(runs_folder.glob(".locks/worker*"))


def test_two_machines_do_not_wait_for_each_others_devices(there):
    folder, _ = there
    mine = new_run()
    with session.session(
        mine, "cpu", on_wait=lambda: pytest.fail("waited for another machine's device")
    ):
        assert state(folder) == "running"
