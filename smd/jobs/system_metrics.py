"""What a job takes of the machine while it works.

Processor, memory and, with the package nvidia-ml-py, the GPU.

A thread reads every few seconds, ever more rarely in a long job, so that its readings stay few; the
job takes them along with each epoch.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import psutil

# percent of all cores, bytes, percent, bytes
PROCESSOR, MEMORY, GPU, GPU_MEMORY = ("cpu", "memory", "gpu", "gpu_memory")
FIRST = 2.0  # seconds between two readings at the beginning
DOUBLED = 300  # readings after which that time doubles

log = logging.getLogger(__name__)

Reading = tuple[float, str, float]  # Unix seconds, one of the names above, value
Read = Callable[[], dict[str, float]]


@dataclass(eq=False)
class Gauges:
    """Readings that wait to be taken along."""

    _waiting: list[Reading] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, moment: float, values: dict[str, float]) -> None:
        """Keep what was read at a moment."""
        with self._lock:
            self._waiting += [(moment, name, value) for name, value in values.items()]

    def take(self) -> list[Reading]:
        """All readings since the last time, the oldest first."""
        with self._lock:
            taken, self._waiting = self._waiting, []
        return taken


@contextmanager
def watching(device: str, first: float = FIRST) -> Iterator[Gauges]:
    """Read the machine for the length of the body; device: what the job uses, "cpu" or "cuda:0"."""
    gauges, over = Gauges(), threading.Event()
    thread = threading.Thread(
        target=_watch, args=(gauges, over, device, first), name="gauges", daemon=True
    )
    thread.start()
    try:
        yield gauges
    finally:
        over.set()
        thread.join()


def _watch(gauges: Gauges, over: threading.Event, device: str, wait: float) -> None:
    try:
        read = reader(device)
        read()  # the processor's share is that since the reading before
        count = 0
        while not over.wait(wait):
            gauges.note(time.time(), read())
            count += 1
            wait *= 2 if count % DOUBLED == 0 else 1
    except Exception as error:  # a gauge that is broken must not end a training of days
        log.warning("The machine is read no more: %s", error)


def reader(device: str) -> Read:
    """A function that reads the machine once: name -> value; the GPU only where the job uses one
    that can be read."""
    process = psutil.Process()
    readings = {} if device == "cpu" else _graphics(device)

    def read() -> dict[str, float]:
        with process.oneshot():
            read = {
                PROCESSOR: process.cpu_percent() / (psutil.cpu_count() or 1),
                MEMORY: float(process.memory_info().rss),
            }
        for name, reading in readings.items():
            with suppress(
                Exception
            ):  # without its package or driver, or on a part of a GPU, there is no such reading
                read[name] = float(reading())
        return read

    return read


def _graphics(device: str) -> dict[str, Callable[[], int]]:
    import torch  # pages import this file for the names alone

    return {
        GPU: partial(torch.cuda.utilization, device),
        GPU_MEMORY: partial(torch.cuda.device_memory_used, device),
    }
