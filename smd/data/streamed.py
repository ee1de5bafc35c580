"""Rows that stay on disk: a batch is read from the cache when it is needed, or a little before.

Pixels come out as they would from memory, so that a run is the same, bit for bit, however it reads.
"""

import mmap
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from smd.data.batches import Batch

AHEAD = 3  # batches that are read before they are asked for, at most
WINDOW = 2**28  # bytes of these, at most; one batch is always read ahead
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, eq=False)
class Loaded:
    """Pixels that are on the device, or on their way to it."""

    pixels: Tensor  # (B, C, H, W) uint8
    arrived: torch.cuda.Event | None = None  # in another stream than that which computes

    def ready(self) -> Tensor:
        """The pixels, for the stream that computes."""
        if self.arrived is not None:
            stream = torch.cuda.current_stream(self.pixels.device)
            stream.wait_event(self.arrived)
            # else its memory could be given away while that stream still reads it
            self.pixels.record_stream(stream)
        return self.pixels


@dataclass(frozen=True, eq=False)
class Streamed:
    """One split of a data set, its pixels on disk (smd.data.batches.Rows)."""

    source: np.ndarray  # (M, C, H, W) uint8, the whole set, memory-mapped
    rows: np.ndarray  # (N,) int64, the split's rows in it
    labels: Tensor  # (N,) int64, on the device

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image, (C, H, W), or of a volume, (C, D, H, W)."""
        return tuple(map(int, self.source.shape[1:]))

    def take(self, idx: Tensor) -> Batch:
        """The samples of those ids, read now."""
        return self._batch(Loaded(self._read(idx).to(self.labels.device)), idx)

    def batches(self, parts: Sequence[Tensor]) -> Generator[Batch, None, None]:
        """`take` of each of the parts in order; a thread reads a few of them ahead."""
        largest = max((len(part) for part in parts), default=1) * self.source[:1].nbytes
        window = max(1, min(AHEAD, WINDOW // max(largest, 1)))
        device = self.labels.device
        stream = torch.cuda.Stream(device) if device.type == "cuda" else None

        def load(part: Tensor) -> Loaded:
            return self._loaded(part, stream)

        # a GPU's ids would make the thread wait for all that the GPU has to do
        with closing(ahead(load, [part.cpu() for part in parts], window)) as read:
            for part, loaded in zip(parts, read, strict=True):
                yield self._batch(loaded, part)

    def pixels_of(self, idx: Tensor) -> np.ndarray:
        """The samples' pixels as they are stored, (B, C, H, W)."""
        return self._read(idx).numpy()

    def _batch(self, loaded: Loaded, idx: Tensor) -> Batch:
        return Batch(loaded.ready().float() / 255, self.labels[idx], idx)

    def _loaded(self, idx: Tensor, stream: torch.cuda.Stream | None) -> Loaded:
        """Read, and on a GPU copied from pinned memory in that stream."""
        read = self._read(idx)
        if stream is None:
            return Loaded(read.to(self.labels.device))
        with torch.cuda.stream(stream):
            pixels = read.to(self.labels.device, non_blocking=True)
            return Loaded(pixels, stream.record_event())

    def _read(self, idx: Tensor) -> Tensor:
        """The samples' pixels in memory, pinned for a GPU; rows are read in the disk's order."""
        rows = self.rows[idx.cpu().numpy()]
        pinned = self.labels.device.type == "cuda"
        into = torch.empty((len(rows), *self.shape), dtype=torch.uint8, pin_memory=pinned)
        pixels = into.numpy()
        for place in np.argsort(rows, kind="stable"):
            pixels[place] = self.source[rows[place]]
        _let_go(self.source)
        return into


def ahead(read: Callable[[A], B], keys: Sequence[A], window: int) -> Generator[B, None, None]:
    """`read` of each key in order, by a thread that is at most `window` of them ahead.

    Raises what `read` raises where its answer is due. The thread has ended when this has, also by
    close().
    """
    with ThreadPoolExecutor(1, "reading ahead") as pool:
        waiting: deque[Future[B]] = deque(pool.submit(read, key) for key in keys[:window])
        try:
            for following in range(window, window + len(keys)):
                answer = waiting.popleft().result()
                if following < len(keys):
                    waiting.append(pool.submit(read, keys[following]))
                yield answer
                del answer  # else it would live until the next one is there
        finally:
            for future in waiting:
                future.cancel()


def _let_go(pixels: np.ndarray) -> None:
    """Take the pages that were read out of this process: they would count as its memory until it
    holds the whole set. The system keeps them as long as it has room."""
    base: object = pixels.base
    if isinstance(base, mmap.mmap) and getattr(pixels, "mode", "") == "r":
        base.madvise(mmap.MADV_DONTNEED)
