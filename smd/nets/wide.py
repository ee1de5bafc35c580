"""Wide residual networks (Zagoruyko and Komodakis 2016), their weights named as TRADES names them.

Most public robust checkpoints of WRN-28-10, 34-10 and 34-20 have these names. Batch norm, ReLU,
no normalisation of their own.
"""

from collections.abc import Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smd.nets.published import Renamed
from smd.nets.wrn import conv

DEAD = "sub_block1."
LEFT_OUT = (
    "The tensors of sub_block1 are left out: files of TRADES and its kin hold this group of layers"
    " beside the network, and no output depends on it."
)


class Block(nn.Module):
    """Pre-activation residual block; the shortcut of a wider block takes the activated input."""

    def __init__(self, a: int, b: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(a), conv(a, b, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(b), conv(b, b, 3, 1)
        self.convShortcut = None if a == b else conv(a, b, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) -> (B, b, H/stride, W/stride)."""
        active = F.relu(self.bn1(x))
        out = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return out + (x if self.convShortcut is None else self.convShortcut(active))


class Group(nn.Module):
    """Blocks of one width; the first changes the width and the size of the map."""

    def __init__(self, count: int, a: int, b: int, stride: int) -> None:
        super().__init__()
        blocks = [Block(b if k else a, b, 1 if k else stride) for k in range(count)]
        self.layer = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) -> (B, b, H/stride, W/stride)."""
        return self.layer(x)


class WideResNet(nn.Module):
    """Three groups of (depth - 4) / 6 blocks, of 16 * widen * (1, 2, 4) channels."""

    def __init__(self, channels: int, classes: int, depth: int, widen: int) -> None:
        super().__init__()
        count, width = (depth - 4) // 6, 16 * widen
        self.conv1 = conv(channels, 16, 3, 1)
        self.block1 = Group(count, 16, width, 1)
        self.block2 = Group(count, width, 2 * width, 2)
        self.block3 = Group(count, 2 * width, 4 * width, 2)
        self.bn1 = nn.BatchNorm2d(4 * width)
        self.fc = nn.Linear(4 * width, classes)
        nn.init.zeros_(self.fc.bias)

    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 64 * widen)."""
        out = self.block3(self.block2(self.block1(self.conv1(x))))
        return torch.mean(F.relu(self.bn1(out)), dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> logits (B, classes)."""
        return self.fc(self.features(x))

    def renamed(self, tensors: Mapping[str, Tensor]) -> Renamed:
        """Without the layers that are in the files of TRADES and MART, and in no output."""
        living = {name: value for name, value in tensors.items() if not name.startswith(DEAD)}
        return Renamed(living, () if len(living) == len(tensors) else (LEFT_OUT,))


def wide_resnet(depth: int, widen: int, shape: tuple[int, ...], classes: int) -> WideResNet:
    """The network for images of that shape, (C, H, W), its channels last in memory."""
    network = WideResNet(shape[0], classes, depth, widen)
    return network.to(memory_format=torch.channels_last)


# weights for 3 channels and 10 classes: 36,479,194, 46,160,474, 184,531,674 and 266,796,506
wrn_28_10 = partial(wide_resnet, 28, 10)
wrn_34_10 = partial(wide_resnet, 34, 10)
wrn_34_20 = partial(wide_resnet, 34, 20)
wrn_70_16 = partial(wide_resnet, 70, 16)
