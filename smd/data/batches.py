"""Batches on the device.

A set that fits stays there as uint8, augmentation is batched (airbench's way); a larger one is read
batch by batch (smd.data.streamed).
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from smd.core import rng
from smd.core.rng import Source
from smd.data.images import Images

Augment = Literal["none", "crop", "crop+flip"]
PAD = 4  # pixels reflected on each side before the random crop, as in MMA's transform

LOOKED = 256  # images a batch where a network is judged
LARGE = 2**22  # values of an image; of larger ones 256 would take gigabytes, several times


@dataclass(frozen=True)
class Batch:
    """Some samples and who they are."""

    x: Tensor  # (B, C, H, W) in [0, 1]
    y: Tensor  # (B,) int64
    idx: Tensor  # (B,) int64, sample ids: positions in the split
    weight: Tensor | None = None  # (B,) > 0, of each sample's loss; None: all alike


class Rows(Protocol):
    """One split of a data set, wherever its pixels are."""

    @property
    def labels(self) -> Tensor:
        """(N,) int64, on the device that batches are on."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image, (C, H, W), or of a volume, (C, D, H, W)."""
        ...

    def __len__(self) -> int: ...

    def take(self, idx: Tensor) -> Batch:
        """The samples of those ids, (B,) int64, as they are."""
        ...

    def batches(self, parts: Sequence[Tensor]) -> Generator[Batch, None, None]:
        """`take` of each of the parts in order; what reads ahead ends when this is closed."""
        ...

    def pixels_of(self, idx: Tensor) -> np.ndarray:
        """The samples' pixels as they are stored, (B, C, H, W), in the machine's memory."""
        ...


@dataclass(frozen=True)
class OnDevice:
    """One split of a data set, all of it on the device."""

    pixels: Tensor  # (N, C, H, W) uint8
    labels: Tensor  # (N,) int64

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image, (C, H, W), or of a volume, (C, D, H, W)."""
        return tuple(self.pixels.shape[1:])

    def take(self, idx: Tensor) -> Batch:
        """The samples of those ids as they are."""
        return Batch(self.pixels[idx].float() / 255, self.labels[idx], idx)

    def batches(self, parts: Sequence[Tensor]) -> Generator[Batch, None, None]:
        """`take` of each of the parts in order."""
        for part in parts:
            yield self.take(part)

    def pixels_of(self, idx: Tensor) -> np.ndarray:
        """The samples' pixels as they are stored, (B, C, H, W)."""
        return self.pixels[idx].cpu().numpy()


def on_device(images: Images, rows: np.ndarray, device: torch.device) -> OnDevice:
    """Copy those rows of a data set to the device."""
    pixels = torch.from_numpy(np.ascontiguousarray(images.pixels[rows]))
    labels = torch.from_numpy(np.ascontiguousarray(images.labels[rows]).astype(np.int64))
    return OnDevice(pixels.to(device), labels.to(device))


def shuffled(n: int, size: int, generator: torch.Generator, device: torch.device) -> list[Tensor]:
    """The ids of one epoch's batches in random order; the last batch may be smaller.

    Drawn on the CPU, so that every device sees the same order.
    """
    order = torch.randperm(n, generator=generator)
    return list(order.to(device).split(size))


def augmented(x: Tensor, kind: Augment, generator: Source) -> Tensor:
    """A random view of each image, (B, C, H, W) -> same shape."""
    if kind == "none":
        return x
    x = _cropped(x, generator)
    if kind == "crop+flip":
        flip = rng.drawn(
            generator, len(x), lambda n, g: torch.rand(n, generator=g, device=x.device) < 0.5
        )
        x = torch.where(flip[:, None, None, None], x.flip(3), x)
    return x


def _cropped(x: Tensor, generator: Source) -> Tensor:
    """Reflect-pad, then cut a window of the old size at a random place of each image."""
    b, _, h, w = x.shape
    padded = F.pad(x, (PAD, PAD, PAD, PAD), mode="reflect")
    shift = rng.drawn(
        generator,
        b,
        lambda n, g: torch.randint(0, 2 * PAD + 1, (2, n), generator=g, device=x.device),
        dim=1,
    )
    rows = shift[0][:, None] + torch.arange(h, device=x.device)
    cols = shift[1][:, None] + torch.arange(w, device=x.device)
    which = torch.arange(b, device=x.device)
    cut = padded[which[:, None, None], :, rows[:, :, None], cols[:, None, :]]  # (B, H, W, C)
    return cut.permute(0, 3, 1, 2).contiguous()


def spread(n: int, count: int) -> Tensor:
    """`count` of n sample ids, evenly spread: the first ones of a set in class order are of one
    class."""
    return torch.from_numpy(np.linspace(0, n - 1, min(count, n)).round().astype(np.int64))


def looked_at(shape: tuple[int, ...]) -> int:
    """Images a batch where a network is judged: fewer of volumes beyond some 160 voxels a side."""
    values = int(np.prod(shape, dtype=np.int64))
    return LOOKED if values <= LARGE else max(1, 16 * LARGE // values)


def in_order(data: Rows, size: int, count: int) -> Iterator[Batch]:
    """`count` samples, evenly spread, in the order of their ids, unaugmented."""
    parts = spread(len(data), count).to(data.labels.device).split(size)
    with closing(data.batches(parts)) as batches:
        yield from batches
