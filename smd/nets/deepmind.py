"""Residual networks as DeepMind writes them (Gowal et al. 2020): SiLU, strides padded as in JAX.

Names and shapes of the weights are those of their checkpoints, which RobustBench takes over. Their
normalisation is not a part of these networks: it is a run's mean and std.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smd.nets.wrn import conv


def same_padded(x: Tensor, stride: int) -> Tensor:
    """(B, C, H, W), with zeros around it for a kernel of 3, so that each side is ceil(side/stride).

    As `SAME` of TensorFlow and JAX: at stride 2 an even side gets its zeros behind it alone.
    """
    before = [1 if stride == 1 else side % 2 for side in x.shape[2:]]
    return F.pad(x, (before[1], 1, before[0], 1))


class WideBlock(nn.Module):
    """Pre-activation residual block; the shortcut of a wider block takes the activated input."""

    def __init__(self, a: int, b: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.batchnorm_0, self.conv_0 = nn.BatchNorm2d(a), conv(a, b, 3, stride, padded=False)
        self.batchnorm_1, self.conv_1 = nn.BatchNorm2d(b), conv(b, b, 3, 1)
        self.shortcut = None if a == b else conv(a, b, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) -> (B, b, H/stride, W/stride)."""
        active = F.silu(self.batchnorm_0(x))
        out = self.conv_0(same_padded(active, self.stride))
        out = self.conv_1(F.silu(self.batchnorm_1(out)))
        return out + (x if self.shortcut is None else self.shortcut(active))


class WideGroup(nn.Module):
    """Blocks of one width; the first changes the width and the size of the map."""

    def __init__(self, count: int, a: int, b: int, stride: int) -> None:
        super().__init__()
        blocks = [WideBlock(b if k else a, b, 1 if k else stride) for k in range(count)]
        self.block = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) -> (B, b, H/stride, W/stride)."""
        return self.block(x)


class WideSwish(nn.Module):
    """Three groups of (depth - 4) / 6 blocks, of 16 * widen * (1, 2, 4) channels."""

    def __init__(self, channels: int, classes: int, depth: int, widen: int) -> None:
        super().__init__()
        count, width = (depth - 4) // 6, 16 * widen
        self.init_conv = conv(channels, 16, 3, 1)
        self.layer = nn.Sequential(
            WideGroup(count, 16, width, 1),
            WideGroup(count, width, 2 * width, 2),
            WideGroup(count, 2 * width, 4 * width, 2),
        )
        self.batchnorm = nn.BatchNorm2d(4 * width)
        self.logits = nn.Linear(4 * width, classes)
        nn.init.zeros_(self.logits.bias)

    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 64 * widen)."""
        out = self.layer(self.init_conv(x))
        return torch.mean(F.silu(self.batchnorm(out)), dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> logits (B, classes)."""
        return self.logits(self.features(x))


class PreactBlock(nn.Module):
    """Pre-activation residual block; its shortcut is a convolution of 3x3 on the input itself."""

    def __init__(self, a: int, b: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.batchnorm_0, self.conv_2d_1 = nn.BatchNorm2d(a), conv(a, b, 3, stride, padded=False)
        self.batchnorm_1, self.conv_2d_2 = nn.BatchNorm2d(b), conv(b, b, 3, 1)
        self.shortcut = None if a == b else conv(a, b, 3, stride, padded=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) -> (B, b, H/stride, W/stride)."""
        active = F.silu(self.batchnorm_0(x))
        out = self.conv_2d_1(same_padded(active, self.stride))
        out = self.conv_2d_2(F.silu(self.batchnorm_1(out)))
        return out + (x if self.shortcut is None else self.shortcut(same_padded(x, self.stride)))


class PreactSwish(nn.Module):
    """ResNet-18 with activations before its convolutions: four groups of two blocks."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv_2d = conv(channels, 64, 3, 1)
        self.layer_0 = nn.Sequential(PreactBlock(64, 64, 1), PreactBlock(64, 64, 1))
        self.layer_1 = nn.Sequential(PreactBlock(64, 128, 2), PreactBlock(128, 128, 1))
        self.layer_2 = nn.Sequential(PreactBlock(128, 256, 2), PreactBlock(256, 256, 1))
        self.layer_3 = nn.Sequential(PreactBlock(256, 512, 2), PreactBlock(512, 512, 1))
        self.batchnorm = nn.BatchNorm2d(512)
        self.logits = nn.Linear(512, classes)
        nn.init.zeros_(self.logits.bias)

    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 512)."""
        out = self.layer_1(self.layer_0(self.conv_2d(x)))
        out = self.layer_3(self.layer_2(out))
        return torch.mean(F.silu(self.batchnorm(out)), dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> logits (B, classes)."""
        return self.logits(self.features(x))


def wide_swish(depth: int, widen: int, shape: tuple[int, ...], classes: int) -> WideSwish:
    """The network for images of that shape, (C, H, W), its channels last in memory."""
    network = WideSwish(shape[0], classes, depth, widen)
    return network.to(memory_format=torch.channels_last)


def preact_resnet_18_swish(shape: tuple[int, ...], classes: int) -> PreactSwish:
    """12,548,426 weights for 3 channels and 10 classes; its channels are last in memory."""
    return PreactSwish(shape[0], classes).to(memory_format=torch.channels_last)


# as many weights as those of smd.nets.wide
wrn_28_10_swish = partial(wide_swish, 28, 10)
wrn_34_10_swish = partial(wide_swish, 34, 10)
wrn_34_20_swish = partial(wide_swish, 34, 20)
wrn_70_16_swish = partial(wide_swish, 70, 16)
