"""Batches on the device.

The whole set stays there as uint8, augmentation is batched (airbench's way).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from smd.data.images import Images

Augment = Literal["none", "crop", "crop+flip"]
PAD = 4  # pixels reflected on each side before the random crop, as in MMA's transform


@dataclass(frozen=True)
class Batch:
    """Some samples and who they are."""

    x: Tensor  # (B, C, H, W) in [0, 1]
    y: Tensor  # (B,) int64
    idx: Tensor  # (B,) int64, sample ids: positions in the split


@dataclass(frozen=True)
class OnDevice:
    """One split of a data set."""

    pixels: Tensor  # (N, C, H, W) uint8
    labels: Tensor  # (N,) int64

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, idx: Tensor) -> Batch:
        """The samples of those ids as they are."""
        return Batch(self.pixels[idx].float() / 255, self.labels[idx], idx)


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


def augmented(x: Tensor, kind: Augment, generator: torch.Generator) -> Tensor:
    """A random view of each image, (B, C, H, W) -> same shape."""
    if kind == "none":
        return x
    x = _cropped(x, generator)
    if kind == "crop+flip":
        flip = torch.rand(len(x), generator=generator, device=x.device) < 0.5
        x = torch.where(flip[:, None, None, None], x.flip(3), x)
    return x


def _cropped(x: Tensor, generator: torch.Generator) -> Tensor:
    """Reflect-pad, then cut a window of the old size at a random place of each image."""
    b, _, h, w = x.shape
    padded = F.pad(x, (PAD, PAD, PAD, PAD), mode="reflect")
    shift = torch.randint(0, 2 * PAD + 1, (2, b), generator=generator, device=x.device)
    rows = shift[0][:, None] + torch.arange(h, device=x.device)
    cols = shift[1][:, None] + torch.arange(w, device=x.device)
    which = torch.arange(b, device=x.device)
    cut = padded[which[:, None, None], :, rows[:, :, None], cols[:, None, :]]  # (B, H, W, C)
    return cut.permute(0, 3, 1, 2).contiguous()


def spread(n: int, count: int) -> Tensor:
    """`count` of n sample ids, evenly spread: the first ones of a set in class order are of one
    class."""
    return torch.from_numpy(np.linspace(0, n - 1, min(count, n)).round().astype(np.int64))


def in_order(data: OnDevice, size: int, count: int) -> Iterator[Batch]:
    """`count` samples, evenly spread, in the order of their ids, unaugmented."""
    for part in spread(len(data), count).to(data.labels.device).split(size):
        yield data.take(part)
