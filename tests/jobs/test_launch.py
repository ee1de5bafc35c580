import os
import platform
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from waiting import until

from smd import jobs
from smd.config.schema import AttackConfig, EstimateConfig, TrainConfig
from smd.errors import UserError
from smd.jobs import launch, transitions, worker
from smd.jobs.locks import slot_lock
from smd.runs import folders as runs
from tests.jobs.jobbing import JOB, WORKER, let_go, new_run, python, runs_folder, script, state

pytestmark = pytest.mark.usefixtures(runs_folder.__name__)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return script(tmp_path, "job.py", JOB)


@pytest.fixture
def workers(job: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Workers started by launch run the stand-in job; lists the queues they were started for."""
    code, started = script(tmp_path, "worker.py", WORKER), []

    def command(key: str) -> list[str]:
        started.append(key)
        return [sys.executable, str(code), str(job)]

    monkeypatch.setattr(launch, "_worker_command", command)
    return started


def test_three_jobs_run_one_after_the_other_in_order(tmp_path: Path, job: Path) -> None:
    folders = [new_run() for _ in range(3)]
    process = python(script(tmp_path, "worker.py", WORKER), job)
    for now, folder in enumerate(folders):
        until(lambda folder=folder: state(folder) == "running", f"job {now}")
        assert [state(f) for f in folders[now + 1 :]] == ["queued"] * (2 - now)
        let_go(folder)
    assert process.wait(15) == 0
    times = [jobs.read(folder) for folder in folders]
    assert [t.state for t in times] == ["finished"] * 3
    assert times[0].ended <= times[1].started < times[1].ended <= times[2].started


def test_every_kind_of_job_has_its_command_and_its_turn() -> None:
    folder = new_run()
    run = runs.find(folder.name)
    attack = runs.create_job(run, AttackConfig(run.id, device="cpu"))
    margins = runs.create_job(run, EstimateConfig(run.id, device="cpu"))
    assert [waiting for waiting, _ in worker.queued()] == [folder, attack, margins]
    words = [worker.job_command(waiting)[4:] for waiting, _ in worker.queued()]
    assert words == [
        ["train", "--run", run.id],
        ["attack", "--job", f"{run.id}/{attack.name}"],
        ["estimate", "--job", f"{run.id}/{margins.name}"],
    ]


def test_jobs_of_other_devices_are_left_to_other_workers() -> None:
    here, there = new_run(), new_run(device="cuda")
    assert [s.device for _, s in worker.queued()] == ["cpu", "cuda"]
    worker.work("cpu", lambda folder: [sys.executable, "-c", "print('no session')"])
    assert (state(here), state(there)) == ("failed", "queued")


def test_a_failing_job_stores_its_reason_and_the_next_one_runs(job: Path) -> None:
    bad, good = new_run(), new_run()
    (bad / "broken").touch()
    let_go(good)
    worker.work("cpu", lambda folder: [sys.executable, str(job), str(folder)])
    assert (state(bad), jobs.read(bad).error) == ("failed", "ValueError: has no weights")
    assert state(good) == "finished"
    assert launch.log_tail(bad, 2)[-1] == "has no weights"
    assert launch.log_tail(good) == ["began"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (
            [sys.executable, "-c", "import nonsense"],
            "ModuleNotFoundError: No module named 'nonsense'",
        ),
        (
            [sys.executable, "-c", "raise SystemExit(7)"],
            "Its process ended with status 7 before it began.",
        ),
        (["/no/such/program"], "It could not be started: "),
    ],
)
def test_a_job_that_dies_before_it_begins_has_failed(command: list[str], reason: str) -> None:
    folder = new_run()
    (folder / "log.txt").write_text("a line of an earlier try\n")
    worker.work("cpu", lambda _: command)
    assert state(folder) == "failed"
    assert jobs.read(folder).error.startswith(reason)


def test_a_job_deleted_while_it_ends_does_not_stop_the_queue() -> None:
    gone, good = new_run(), new_run()

    def command(folder: Path) -> list[str]:
        if folder == gone:
            transitions.move(gone, "cancelled")
            runs.delete(runs.find(gone.name))
        return [sys.executable, "-c", ""]

    worker.work("cpu", command)
    assert not gone.exists()
    assert state(good) == "failed"


def test_a_job_resumed_before_its_old_process_is_over_stays_queued(tmp_path: Path) -> None:
    folder, tries = new_run(), []

    def command(_: Path) -> list[str]:
        tries.append(jobs.read(folder).state)
        if len(tries) == 1:
            transitions.move(folder, "cancelled")
            transitions.move(folder, "queued")
        return [sys.executable, "-c", ""]

    worker.work("cpu", command)
    assert tries == ["queued", "queued"]  # the end of the first try did not count for the second


@pytest.mark.slow
def test_two_workers_run_each_job_once(tmp_path: Path, job: Path) -> None:
    folders = [new_run() for _ in range(4)]
    for folder in folders:
        let_go(folder)
    code = script(tmp_path, "worker.py", WORKER)
    for process in [python(code, job) for _ in range(3)]:
        assert process.wait(20) == 0
    assert [state(f) for f in folders] == ["finished"] * 4
    assert [launch.log_tail(f) for f in folders] == [["began"]] * 4


def test_a_job_that_its_own_process_waits_with_is_not_queued_for_workers() -> None:
    claimed = runs.create(TrainConfig(device="cpu"), claim=True)
    assert worker.queued() == []
    # that process is gone
    transitions.write(claimed.folder, replace(claimed.status, process_identity="gone"))
    assert [folder for folder, _ in worker.queued()] == [claimed.folder]


def test_a_resumed_job_queues_behind_the_others() -> None:
    first, second = new_run(), new_run()
    transitions.move(first, "cancelled")
    transitions.move(first, "queued")
    assert [folder for folder, _ in worker.queued()] == [second, first]


def test_attacks_queue_with_the_runs_and_have_their_own_command() -> None:
    run = runs.create(TrainConfig(device="cpu"))
    attack = runs.create_job(run, AttackConfig(run.id, device="cpu"))
    assert [folder for folder, _ in worker.queued()] == [run.folder, attack]
    assert worker.job_command(run.folder)[1:] == ["-P", "-m", "smd", "train", "--run", run.id]
    assert worker.job_command(attack)[1:] == [
        "-P",
        "-m",
        "smd",
        "attack",
        "--job",
        f"{run.id}/{attack.name}",
    ]


def test_a_queued_job_is_cancelled_at_once() -> None:
    folder = new_run()
    launch.cancel(folder)
    assert (state(folder), jobs.read(folder).error) == ("cancelled", "")
    with pytest.raises(UserError, match="is cancelled: nothing to cancel"):
        launch.cancel(folder)


def test_a_running_job_is_cancelled_resumed_and_finished(workers: list[str]) -> None:
    folder = new_run()
    launch.submit(folder)
    until(lambda: state(folder) == "running", "running")
    launch.cancel(folder)
    assert launch.wait(folder, 15).state == "cancelled"
    let_go(folder)
    launch.resume(folder)
    assert launch.wait(folder, 15).state == "finished"
    assert launch.log_tail(folder).count("began") == 2
    with pytest.raises(UserError, match="is finished: nothing to cancel"):
        launch.cancel(folder)
    with pytest.raises(UserError, match="is finished: it cannot be resumed"):
        launch.resume(folder)
    assert workers == ["cpu", "cpu"]


def test_a_job_of_another_machine_or_without_process_is_not_cancelled() -> None:
    folder = new_run()
    running = replace(jobs.read(folder), state="running", pid=os.getpid(), heartbeat=time.time())
    transitions.write(folder, replace(running, host="elsewhere"))
    with pytest.raises(UserError, match="runs on elsewhere"):
        launch.cancel(folder)
    # our pid, reused
    transitions.write(folder, replace(running, host=platform.node(), pid_started=1.0))
    with pytest.raises(UserError, match="is lost: nothing to cancel"):
        launch.cancel(folder)


def test_queued_jobs_are_woken_once_and_only_without_a_worker(workers: list[str]) -> None:
    launch.wake_all()
    assert workers == []
    folder = new_run()
    launch.wake_all()
    assert workers == ["cpu"]
    until(lambda: state(folder) == "running", "running")
    new_run(data="digits")
    launch.wake_all()
    assert workers == ["cpu"]
    for run in runs.all_runs():
        let_go(run.folder)
    assert all(launch.wait(run.folder, 15).state == "finished" for run in runs.all_runs())


def test_wait_gives_up_in_time() -> None:
    folder = new_run()
    assert launch.wait(folder, 0.05).state == "queued"


DASHBOARD = """
import signal
import sys
from pathlib import Path
from smd.jobs import launch
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
launch._worker_command = lambda key: sys.argv[2:]
launch.submit(Path(sys.argv[1]))
launch.wait(Path(sys.argv[1]), 60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_job_and_its_queue_outlive_the_dashboard(
    tmp_path: Path, job: Path, number: signal.Signals
) -> None:
    folder, later, code = new_run(), new_run(), script(tmp_path, "dashboard.py", DASHBOARD)
    words = [sys.executable, script(tmp_path, "worker.py", WORKER), job]
    dashboard = subprocess.Popen(
        [sys.executable, code, folder, *words], start_new_session=True, stderr=subprocess.DEVNULL
    )
    until(lambda: state(folder) == "running", "running")
    os.killpg(dashboard.pid, number)  # as a Ctrl-C in its terminal does: the whole group
    assert dashboard.wait(15) != 0
    assert state(folder) == "running"
    let_go(folder)
    let_go(later)
    assert launch.wait(folder, 15).state == launch.wait(later, 15).state == "finished"


@pytest.mark.slow
def test_a_job_outlives_its_worker_and_still_holds_the_device(tmp_path: Path, job: Path) -> None:
    folder, later, code = new_run(), new_run(), script(tmp_path, "worker.py", WORKER)
    first = subprocess.Popen([sys.executable, code, job], start_new_session=True)
    until(lambda: state(folder) == "running", "running")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert state(folder) == "running"
    second = python(code, job)
    until(worker.worker_lock("cpu").busy, "another worker")
    assert slot_lock("cpu").busy()
    assert state(later) == "queued"
    let_go(folder)
    let_go(later)
    assert second.wait(15) == 0
    assert jobs.read(folder).ended <= jobs.read(later).started
    assert (state(folder), state(later)) == ("finished", "finished")


def test_the_log_s_end_is_read_with_progress_bars_collapsed(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert launch.log_tail(tmp_path) == []
    log.write_bytes(b"loading\r\n 10%\r 20%\r100%\ndone\n\nunfinished \xff\r")
    assert launch.log_tail(tmp_path) == ["loading", "100%", "done", "unfinished \ufffd"]
    assert launch.log_tail(tmp_path, 2) == ["done", "unfinished \ufffd"]


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("".join(f"line {k:06d}\n" for k in range(100_000)))
    lines = launch.log_tail(tmp_path, 10_000)
    assert lines[-1] == "line 099999"
    assert 1_000 < len(lines) < 10_000
    assert all(len(line) == 11 for line in lines)
