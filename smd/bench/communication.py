"""What ranks tell each other: gradients, batch norm's statistics, margins; measured, and a model.

A sum over n ranks in a ring sends 2 (n - 1) / n of its bytes from each rank, a gather n - 1 times
a rank's own. Seconds are modelled as a latency and those bytes at a rate, both found from the
smallest and the largest sum between two ranks.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import spawn

from smd.bench.part import Part, Row

FLOAT = 4  # bytes
# of one step: what the ranks sum up
SUMS = {
    "batch norm's statistics of WRN-28-10, one layer of 640": 2 * 640 + 1,
    "gradients of the small network, 72 thousand": 72_000,
    "gradients of ResNet-18, 11.2 million": 11_200_000,
    "gradients of WRN-28-10, 36.5 million": 36_500_000,
}
# once an epoch, or as often as a margin is asked for
GATHERS = {"margins of 50,000 images": 50_000, "margins of 10 million images": 10_000_000}
REPETITIONS, SIZES = 5, (2, 3)
TIMEOUT = timedelta(seconds=300)
Seconds = dict[str, float]


@dataclass(frozen=True)
class Wire:
    """How long bytes take from rank to rank."""

    latency: float  # seconds
    rate: float  # bytes a second

    def seconds(self, sent: float) -> float:
        """Of so many bytes that each rank sends."""
        return self.latency + sent / self.rate


def measure(quick: bool) -> Part:
    """Two and three processes on this machine, by gloo over the loopback."""
    shrink = 100 if quick else 1
    sums = {what: max(1, count // shrink) for what, count in SUMS.items()}
    gathers = {what: max(1, count // shrink) for what, count in GATHERS.items()}
    measured = {size: _run(size, sums, gathers, 1 if quick else REPETITIONS) for size in SIZES}
    few, *_, many = sums
    wire = _fitted(sums[few], measured[2][few], sums[many], measured[2][many])
    rows = [
        _row(what, count, size, measured[size][what], wire, what in sums)
        for size in SIZES
        for what, count in (sums | gathers).items()
    ]
    note = (
        f"Median of {REPETITIONS}. The model: {1e6 * wire.latency:.0f} µs and then"
        f" {wire.rate / 1e9:.2f} GB/s for what a rank sends; with one thread a process, and other"
        " work on the machine if there was any."
    )
    return Part("communication", "What ranks tell each other (gloo, loopback)", rows, note)


def sent(count: int, size: int, summed: bool) -> float:
    """Bytes that a rank sends of so many floats: of all in a sum, of all ranks' in a gather."""
    whole = FLOAT * count
    return 2 * (size - 1) / size * whole if summed else (size - 1) / size * whole


def _row(what: str, count: int, size: int, took: float, wire: Wire, summed: bool) -> Row:
    out = sent(count, size, summed)
    return {
        "ranks": size,
        "what": what,
        "MB sent by a rank": out / 1e6,
        "ms measured": 1e3 * took,
        "ms by the model": 1e3 * wire.seconds(out),
    }


def _fitted(few: int, quick: float, many: int, slow: float) -> Wire:
    """Of two sums between two ranks."""
    rate = (sent(many, 2, True) - sent(few, 2, True)) / max(slow - quick, 1e-9)
    return Wire(max(0.0, quick - sent(few, 2, True) / rate), rate)


def _run(size: int, sums: dict[str, int], gathers: dict[str, int], times: int) -> Seconds:
    with TemporaryDirectory() as folder:
        words = (size, str(Path(folder) / "store"), sums, gathers, times)
        spawn(_rank, words, size)
        found: Any = torch.load(Path(folder) / "store.pt", weights_only=True)
        return dict(found)


def _rank(
    rank: int, size: int, place: str, sums: dict[str, int], gathers: dict[str, int], times: int
) -> None:
    torch.set_num_threads(1)
    where = f"file://{place}"
    dist.init_process_group("gloo", where, TIMEOUT, world_size=size, rank=rank)
    found: Seconds = {}
    for what, count in sums.items():
        values = torch.zeros(count)
        found[what] = _timed(partial(dist.all_reduce, values), times)
    for what, count in gathers.items():
        own = torch.zeros(-(-count // size))
        all_of_them = [torch.empty_like(own) for _ in range(size)]
        found[what] = _timed(partial(dist.all_gather, all_of_them, own), times)
    if rank == 0:
        torch.save(found, f"{place}.pt")
    dist.barrier()
    dist.destroy_process_group()


def _timed(work: Callable[[], Any], times: int) -> float:
    """Median seconds, all ranks beginning together; the first one is not counted."""
    took = []
    for _ in range(times + 1):
        dist.barrier()
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took[1:])
