"""Rows that are read from disk: as those in memory, in bounded memory, and a thread that ends."""

import subprocess
import sys
import threading
from contextlib import closing

import numpy as np
import pytest
import torch

from smd.data import rows
from smd.data.batches import OnDevice, in_order, on_device, shuffled
from smd.data.images import Images
from smd.data.streamed import Streamed, ahead
from smd.paths import AROUND as REPOSITORY

CPU = torch.device("cpu")
KEPT = np.arange(1, 40, 2)


@pytest.fixture
def images(tmp_path):
    """40 images of noise, memory-mapped like those of a cache."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 3, 64, 64), np.uint8)
    np.save(tmp_path / "images.npy", noise)
    pixels = np.load(tmp_path / "images.npy", mmap_mode="r")
    return Images("made-up", "made-up", ("a", "b"), pixels, np.arange(40) % 2, np.zeros(40))


@pytest.fixture
def streamed(images, monkeypatch):
    monkeypatch.setenv("SMD_MEMORY", "1MiB")
    return rows.rows_of(images, KEPT, CPU)


def test_what_does_not_fit_an_eighth_of_the_memory_is_streamed_and_said(images, monkeypatch):
    monkeypatch.setenv("SMD_MEMORY", "1MiB")
    assert isinstance(rows.rows_of(images, KEPT, CPU), Streamed)
    assert "read from the cache" in rows.told(images, KEPT, CPU)
    assert "128 KiB by SMD_MEMORY" in rows.told(images, KEPT, CPU)
    monkeypatch.setenv("SMD_MEMORY", "4MiB")
    assert isinstance(rows.rows_of(images, KEPT, CPU), OnDevice)
    assert "stay in memory" in rows.told(images, KEPT, CPU)


def test_streamed_rows_are_those_in_memory(images, streamed):
    resident = on_device(images, KEPT, CPU)
    assert (len(streamed), streamed.shape) == (20, (3, 64, 64))
    some = torch.tensor([7, 3, 7, 19])
    for one, other in [(streamed.take(some), resident.take(some))]:
        assert torch.equal(one.x, other.x)
        assert torch.equal(one.y, other.y)
        assert torch.equal(one.idx, some)
    np.testing.assert_array_equal(streamed.pixels_of(some), resident.pixels_of(some))
    parts = shuffled(20, 3, torch.Generator().manual_seed(0), CPU)
    both = zip(streamed.batches(parts), resident.batches(parts), strict=True)
    assert all(torch.equal(a.x, b.x) and torch.equal(a.y, b.y) for a, b in both)
    looked = zip(in_order(streamed, 8, 13), in_order(resident, 8, 13), strict=True)
    assert all(torch.equal(a.x, b.x) for a, b in looked)


def test_a_thread_reads_no_more_than_its_window_and_ends_when_closed():
    read = []
    with closing(ahead(lambda key: read.append(key) or key, range(50), 2)) as answers:
        assert [next(answers) for _ in range(3)] == [0, 1, 2]
    assert len(read) <= 5
    assert not any("reading ahead" in thread.name for thread in threading.enumerate())


def test_an_error_of_reading_is_raised_where_the_batch_is_due():
    def read(key):
        if key == 1:
            raise OSError("the disk is gone")
        return key

    answers = ahead(read, range(3), 3)
    assert next(answers) == 0
    with pytest.raises(OSError, match="gone"):
        next(answers)


ITERATED = """
import sys, numpy as np, torch
from smd.data.images import Images
from smd.data.rows import rows_of
from smd.data.batches import shuffled
def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("RssAnon")))
pixels = np.load(sys.argv[1], mmap_mode="r")
images = Images("m", "m", ("a",), pixels, np.zeros(len(pixels), int), np.zeros(len(pixels)))
rows, cpu = rows_of(images, np.arange(len(pixels)), torch.device("cpu")), torch.device("cpu")
parts = shuffled(len(rows), 2, torch.Generator().manual_seed(0), cpu)
before, peak, total = anonymous(), 0, 0.0
for batch in rows.batches(parts):
    peak, total = max(peak, anonymous() - before), total + float(batch.x[:, 0, 0, 0].sum())
print(peak, round(total * 255))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_epoch_of_a_set_larger_than_the_memory_stays_far_below_it(tmp_path):
    # what allocators keep for themselves, some 30 MiB, does not grow with the set
    size = 384 * 2**20
    pixels = np.lib.format.open_memmap(
        tmp_path / "images.npy", "w+", np.uint8, (size // (3 * 256 * 256), 3, 256, 256)
    )
    pixels[:, 0, 0, 0] = 3
    pixels.flush()
    done = subprocess.run(
        [sys.executable, "-c", ITERATED, str(tmp_path / "images.npy")],
        cwd=REPOSITORY,
        env={"PATH": "", "SMD_MEMORY": "32MiB", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    peak, total = map(int, done.stdout.split())
    assert total == 3 * len(pixels)
    assert peak < size / 8
