import signal
import threading
from pathlib import Path

import pytest
from waiting import until

from smd import jobs
from smd.errors import UserError
from smd.jobs import session, transitions
from smd.jobs.locks import device_lock
from smd.jobs.session import Cancelled
from tests.jobs.jobbing import JOB, SOON, let_go, new_run, python, runs_folder, script, state

pytestmark = pytest.mark.usefixtures(runs_folder.__name__)


def free(device: str = "cpu") -> bool:
    lock = device_lock(device)
    taken = lock.acquire(wait=False)
    lock.release()
    return taken


def test_a_job_is_running_with_its_process_and_then_finished() -> None:
    folder = new_run()
    with session.session(folder, "cpu") as job:
        during = jobs.read(folder)
        assert not free()
        job.report(stage="training", done=3, total=4, batch=1, batches=9, rate=50.0, eta=2.0)
    after = jobs.read(folder)
    assert during.state == "running" and jobs.process(during) is not None
    assert during.created <= during.started <= after.ended
    assert (after.state, after.stage, after.done, after.total) == ("finished", "training", 3, 4)
    assert (after.batch, after.batches, after.rate, after.eta) == (1, 9, 50.0, -1.0)
    assert free()


def test_the_heart_beats_while_a_batch_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "BEAT", 0.02)
    folder = new_run()
    with session.session(folder, "cpu") as job:
        job.report(done=1, rate=8.0)
        job.report(done=2)
        until(lambda: jobs.read(folder).done == 2, "progress")
        assert jobs.read(folder).rate == 8.0
        first = jobs.read(folder).heartbeat
        until(lambda: jobs.read(folder).heartbeat > first, "heartbeat")
    assert not any(thread.name == "heartbeat" for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("error", "state", "text"),
    [
        (Cancelled(), "cancelled", ""),
        (KeyboardInterrupt(), "cancelled", ""),
        (UserError("There is no data: import it."), "failed", "There is no data: import it."),
        (ValueError("first line\nlast line"), "failed", "ValueError: last line"),
        (AssertionError(), "failed", "AssertionError"),
        (SystemExit(3), "failed", "SystemExit: 3"),
    ],
)
def test_the_way_it_ends_is_stored_and_raised_again(
    error: BaseException, state: str, text: str
) -> None:
    folder = new_run()
    with pytest.raises(type(error)), session.session(folder, "cpu"):
        raise error
    assert (jobs.read(folder).state, jobs.read(folder).error) == (state, text)
    assert jobs.read(folder).ended > 0
    assert free()


def test_sigterm_asks_a_running_job_to_stop_and_the_old_handler_comes_back() -> None:
    folder, before = new_run(), signal.getsignal(signal.SIGTERM)
    with pytest.raises(Cancelled), session.session(folder, "cpu") as job:
        assert not job.stopping
        signal.raise_signal(signal.SIGTERM)
        assert job.stopping
        raise Cancelled
    assert signal.getsignal(signal.SIGTERM) == before
    assert state(folder) == "cancelled"


def test_only_the_second_ctrl_c_interrupts() -> None:
    folder, before = new_run(), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), session.session(folder, "cpu") as job:
        signal.raise_signal(signal.SIGINT)
        assert job.stopping
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before
    assert state(folder) == "cancelled"


def test_it_works_outside_the_main_thread() -> None:
    folder, handlers = new_run(), []

    def body() -> None:
        with session.session(folder, "cpu"):
            handlers.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=body)
    thread.start()
    thread.join(SOON)
    assert handlers == [before]
    assert state(folder) == "finished"


def test_kill_9_leaves_a_lost_job_and_a_free_device(tmp_path: Path) -> None:
    folder, code = new_run(), script(tmp_path, "job.py", JOB)
    first = python(code, folder)
    until(lambda: state(folder) == "running", "running")
    assert not free()
    first.kill()
    until(lambda: state(folder) == "lost", "lost")  # a zombie first, as nobody has waited for it
    first.wait()
    assert state(folder) == "lost"
    assert free()
    transitions.move(folder, "queued")
    let_go(folder)
    assert python(code, folder).wait(SOON) == 0
    assert state(folder) == "finished"


def test_sigterm_while_waiting_for_the_device_cancels(tmp_path: Path) -> None:
    folder, lock = new_run(), device_lock("cpu")
    lock.acquire()
    process = python(script(tmp_path, "job.py", JOB), folder)
    until(lambda: jobs.read(folder).stage == session.WAITING, "waiting")
    assert state(folder) == "queued"
    process.terminate()
    assert process.wait(SOON) != 0
    assert state(folder) == "cancelled"
    lock.release()


def test_a_job_cancelled_while_it_waits_never_begins() -> None:
    folder, lock, waits = new_run(), device_lock("cpu"), []
    lock.acquire()

    def cancel() -> None:
        waits.append(jobs.read(folder).stage)
        transitions.move(folder, "cancelled")

    with pytest.raises(Cancelled), session.session(folder, "cpu", on_wait=cancel):
        pytest.fail("the body ran")
    assert waits == [session.WAITING]
    assert (state(folder), jobs.read(folder).started) == ("cancelled", 0.0)
    lock.release()


def test_a_job_waits_for_its_device_and_not_for_another() -> None:
    folder, cpu, gpu, waits = new_run(), device_lock("cpu"), device_lock("cuda"), []
    gpu.acquire()
    cpu.acquire()

    def on_wait() -> None:
        waits.append(state(folder))
        cpu.release()

    with session.session(folder, "cpu", on_wait):
        assert waits == ["queued"]
        assert not free("cuda:0")
    assert state(folder) == "finished"
    gpu.release()


def test_what_is_not_queued_cannot_be_started() -> None:
    folder = new_run()
    with session.session(folder, "cpu"):
        pass
    with (
        pytest.raises(UserError, match="is finished: it cannot be started"),
        session.session(folder, "cpu"),
    ):
        pytest.fail("the body ran")
    cancelled = new_run()
    transitions.move(cancelled, "cancelled")
    with pytest.raises(Cancelled), session.session(cancelled, "cpu"):
        pytest.fail("the body ran")
    assert (state(folder), state(cancelled)) == ("finished", "cancelled")


def test_a_job_that_another_process_waits_with_is_left_to_it(tmp_path: Path) -> None:
    folder, lock = new_run(), device_lock("cpu")
    lock.acquire()
    process = python(script(tmp_path, "job.py", JOB), folder)
    until(lambda: jobs.read(folder).pid == process.pid, "claimed")
    with (
        pytest.raises(UserError, match=f"by process {process.pid}"),
        session.session(folder, "cpu"),
    ):
        pytest.fail("the body ran")
    assert (state(folder), jobs.read(folder).pid) == ("queued", process.pid)
    let_go(folder)
    lock.release()
    assert process.wait(SOON) == 0
    assert state(folder) == "finished"


def test_a_job_taken_from_this_process_stops_and_leaves_the_status_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "BEAT", 0.02)
    folder = new_run()
    with pytest.raises(Cancelled), session.session(folder, "cpu") as job:
        transitions.change(
            folder, lambda old: transitions.moved(folder, old, "failed", "judged lost")
        )
        transitions.move(folder, "queued")
        until(lambda: job.stopping, "stopping")
        raise Cancelled
    assert (state(folder), jobs.read(folder).pid) == ("queued", 0)
