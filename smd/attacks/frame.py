"""Volumes and images of any side, shown as square images to Square, which knows nothing else.

A volume's slices become channels, which changes no norm. The package's L2 start cannot lay out its
tiles on images of some sides, among them 12, 14, 18 and 24, nor on ones that are not square: such
images are padded on two sides, which the network does not see. Noise in the padding is lost, so
that an image is never farther away than the package counts.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from smd.core.lp import Norm

TILES = 5  # in a column of the L2 start, as the package divides an image


@dataclass(frozen=True)
class Frame:
    """How images or volumes of one shape are reshaped and padded for Square."""

    shape: tuple[int, ...]  # (C, H, W) or (C, D, H, W), as the network takes them
    below: int  # rows added
    beside: int  # columns added

    def shown(self, x: Tensor) -> Tensor:
        """(B, *shape) -> (B, channels and slices, H + below, W + beside)."""
        return F.pad(x.flatten(1, -3), (0, self.beside, 0, self.below))

    def seen(self, image: Tensor) -> Tensor:
        """The inverse of `shown`, without the padding."""
        height, width = self.shape[-2:]
        return image[:, :, :height, :width].reshape(len(image), *self.shape)


class Behind(nn.Module):
    """The network behind a frame: it takes images as `Frame.shown` makes them."""

    def __init__(self, model: nn.Module, frame: Frame) -> None:
        super().__init__()
        self.model, self.frame = model, frame

    def forward(self, image: Tensor) -> Tensor:
        """Images as the frame shows them -> logits (B, classes)."""
        return self.model(self.frame.seen(image))


def framed(x: Tensor, norm: Norm) -> Frame:
    """The frame for a batch, (B, C, H, W) or (B, C, D, H, W), with as little padding as works."""
    if norm == "Linf":
        return Frame(tuple(x.shape[1:]), 0, 0)
    height, width = x.shape[-2:]
    side = max(height, width)
    while not _tiled(side):
        side += 1
    return Frame(tuple(x.shape[1:]), side - height, side - width)


def _tiled(side: int) -> bool:
    """Whether the tiles of the L2 start fit an image of that side; single pixels always do."""
    tile = side // TILES
    return tile == 1 or (tile > 1 and (side - TILES * tile) // 2 + side // tile * tile <= side)
