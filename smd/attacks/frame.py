"""What a network takes, shown as images to an attack that knows nothing else: Square.

A volume's slices become channels, which changes no norm. The package's L2 start cannot lay its
tiles out on images
of some sides, among them 12, 14, 18 and 24, nor on ones that are not square: such images get a
margin on two sides, which the network does not see. Noise in there is lost, so that what is found
is never farther away than it seems.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from smd.core.lp import Norm

TILES = 5  # in a column of the L2 start, as the package divides an image


@dataclass(frozen=True)
class Frame:
    """How images or volumes of one shape are shown."""

    shape: tuple[int, ...]  # (C, H, W) or (C, D, H, W), as the network takes them
    below: int  # rows added
    beside: int  # columns added

    def shown(self, x: Tensor) -> Tensor:
        """(B, *shape) -> (B, channels and slices, H + below, W + beside)."""
        return F.pad(x.flatten(1, -3), (0, self.beside, 0, self.below))

    def seen(self, image: Tensor) -> Tensor:
        """The way back, without the margin."""
        height, width = self.shape[-2:]
        return image[:, :, :height, :width].reshape(len(image), *self.shape)


class Behind(nn.Module):
    """The network behind a frame: it takes what is shown."""

    def __init__(self, model: nn.Module, frame: Frame) -> None:
        super().__init__()
        self.model, self.frame = model, frame

    def forward(self, image: Tensor) -> Tensor:
        """Images as the frame shows them -> logits (B, classes)."""
        return self.model(self.frame.seen(image))


def framed(x: Tensor, norm: Norm) -> Frame:
    """The frame for a batch; without a margin wherever the attack can do without."""
    if norm == "Linf":
        return Frame(tuple(x.shape[1:]), 0, 0)
    height, width = x.shape[-2:]
    side = max(height, width)
    while not _tiled(side):
        side += 1
    return Frame(tuple(x.shape[1:]), side - height, side - width)


def _tiled(side: int) -> bool:
    """Whether the tiles of the L2 start end within an image of that side; single pixels always
    do."""
    tile = side // TILES
    return tile == 1 or (tile > 1 and (side - TILES * tile) // 2 + side // tile * tile <= side)
