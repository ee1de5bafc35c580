"""Readings of the machine: taken while a job works, never in its way."""

import sys
import threading
import types

import pytest

from smd import gauges
from smd.gauges import GPU, GPU_MEMORY, MEMORY, PROCESSOR


def wait_for(condition, seconds=20):
    ready = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        ready.wait(0.01)
    raise AssertionError("it never happened")


def test_readings_come_while_the_body_runs_and_stop_with_it():
    with gauges.watching("cpu", first=0.01) as found:
        taken = []

        def two():
            taken.extend(found.take())
            return len({moment for moment, _, _ in taken}) >= 2

        wait_for(two)
    assert {name for _, name, _ in taken} == {PROCESSOR, MEMORY}
    moments = [moment for moment, _, _ in taken]
    assert moments == sorted(moments)
    memory = [value for _, name, value in taken if name == MEMORY]
    assert all(value > 1e6 for value in memory)
    assert all(0 <= value <= 100 for _, name, value in taken if name == PROCESSOR)
    assert "gauges" not in {thread.name for thread in threading.enumerate()}


def test_what_is_taken_is_taken_once():
    found = gauges.Gauges()
    found.note(1.0, {"cpu": 5.0})
    assert found.take() == [(1.0, "cpu", 5.0)]
    assert found.take() == []


def test_a_long_job_is_read_ever_more_rarely(monkeypatch):
    waits = []

    class Over:
        def wait(self, seconds):
            waits.append(seconds)
            return len(waits) > 2 * gauges.DOUBLED

    monkeypatch.setattr(gauges, "reader", lambda device: lambda: {"cpu": 1.0})
    gauges._watch(gauges.Gauges(), Over(), "cpu", 2.0)
    assert waits[0] == waits[gauges.DOUBLED - 1] == 2.0
    assert waits[gauges.DOUBLED] == 4.0
    assert waits[-1] == 8.0


def test_a_gauge_that_breaks_ends_quietly(monkeypatch, caplog):
    def broken(device):
        raise RuntimeError("no such sensor")

    monkeypatch.setattr(gauges, "reader", broken)
    with gauges.watching("cpu", first=0.001) as found:
        wait_for(lambda: "no such sensor" in caplog.text)
    assert found.take() == []


@pytest.fixture
def nvidia(monkeypatch):
    library = types.ModuleType("pynvml")
    library.nvmlInit = lambda: None
    library.nvmlDeviceGetHandleByIndex = lambda index: index
    library.nvmlDeviceGetMemoryInfo = lambda handle: types.SimpleNamespace(used=10**9 + handle)
    library.nvmlDeviceGetUtilizationRates = lambda handle: types.SimpleNamespace(gpu=87)
    monkeypatch.setitem(sys.modules, "pynvml", library)


def test_a_gpu_is_read_where_its_library_is_there(nvidia):
    values = gauges.reader("cuda:1")()
    assert values[GPU] == 87.0
    assert values[GPU_MEMORY] == 10**9 + 1
    assert GPU not in gauges.reader("cpu")()


def test_without_the_library_there_is_no_gpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert set(gauges.reader("cuda")()) == {PROCESSOR, MEMORY}
