"""Readings of the machine: taken while a job works, never in its way."""

import subprocess
import sys
import threading

import pytest
import torch
from waiting import until

from smd.jobs import system_metrics
from smd.jobs.system_metrics import GPU, GPU_MEMORY, MEMORY, PROCESSOR
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders
from smd.store import reader
from smd.tasks import train


def test_readings_come_while_the_body_runs_and_stop_with_it():
    with system_metrics.watching("cpu", first=0.01) as found:
        taken = []

        def two():
            taken.extend(found.take())
            return len({moment for moment, _, _ in taken}) >= 2

        until(two)
    assert {name for _, name, _ in taken} == {PROCESSOR, MEMORY}
    moments = [moment for moment, _, _ in taken]
    assert moments == sorted(moments)
    memory = [value for _, name, value in taken if name == MEMORY]
    assert all(value > 1e6 for value in memory)
    assert all(0 <= value <= 100 for _, name, value in taken if name == PROCESSOR)
    assert "gauges" not in {thread.name for thread in threading.enumerate()}


def test_what_is_taken_is_taken_once():
    found = system_metrics.Gauges()
    found.note(1.0, {"cpu": 5.0})
    assert found.take() == [(1.0, "cpu", 5.0)]
    assert found.take() == []


def test_a_long_job_is_read_ever_more_rarely(monkeypatch):
    waits = []

    class Over:
        def wait(self, seconds):
            waits.append(seconds)
            return len(waits) > 2 * system_metrics.DOUBLED

    monkeypatch.setattr(system_metrics, "reader", lambda device: lambda: {"cpu": 1.0})
    system_metrics._watch(system_metrics.Gauges(), Over(), "cpu", 2.0)
    assert waits[0] == waits[system_metrics.DOUBLED - 1] == 2.0
    assert waits[system_metrics.DOUBLED] == 4.0
    assert waits[-1] == 8.0


def test_a_gauge_that_breaks_ends_quietly(monkeypatch, caplog):
    def broken(device):
        raise RuntimeError("no such sensor")

    monkeypatch.setattr(system_metrics, "reader", broken)
    with system_metrics.watching("cpu", first=0.001) as found:
        until(lambda: "no such sensor" in caplog.text)
    assert found.take() == []


def test_a_gpu_is_read_where_its_package_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "utilization", lambda device: {"cuda:1": 87}[device])
    monkeypatch.setattr(torch.cuda, "device_memory_used", lambda device: {"cuda:1": 10**9}[device])
    values = system_metrics.reader("cuda:1")()
    assert values[GPU] == 87.0
    assert values[GPU_MEMORY] == 1e9
    assert set(system_metrics.reader("cpu")()) == {PROCESSOR, MEMORY}


def test_a_gpu_that_cannot_be_read_leaves_the_rest(monkeypatch):
    def broken(device):
        raise ModuleNotFoundError("nvidia-ml-py")

    monkeypatch.setattr(torch.cuda, "utilization", broken)
    monkeypatch.setattr(torch.cuda, "device_memory_used", lambda device: 10**9)
    assert set(system_metrics.reader("cuda")()) == {PROCESSOR, MEMORY, GPU_MEMORY}


def test_pages_take_the_names_without_torch():
    code = "import sys, smd.jobs.system_metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


class Stop(Exception):
    pass


@pytest.mark.slow
def test_a_job_that_breaks_off_keeps_its_readings(tiny, monkeypatch):
    run = folders.create(tiny)

    def broken(job, training):
        job.gauges.note(5.0, {"cpu": 40.0})
        raise Stop

    monkeypatch.setattr(train, "_train", broken)
    with pytest.raises(Stop):
        train.train_run(run)
    rows = reader.gauges(run.store)
    assert rows[rows["moment"] == 5.0].values.tolist() == [[5.0, "cpu", 40.0]]
