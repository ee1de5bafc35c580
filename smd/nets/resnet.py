"""ResNet-18 for small images, and ResNets for volumes (He et al. 2015), with batch norm and ReLU.

Weights are named as in kuangliu's pytorch-cifar, which most public ResNet-18 of CIFAR size follow:
a first convolution of 3x3 without stride, no pooling before the groups, `shortcut`, `linear`.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (64, 128, 256, 512)
LAYERS: dict[int, tuple[type[nn.Module], type[nn.Module]]] = {
    2: (nn.Conv2d, nn.BatchNorm2d),
    3: (nn.Conv3d, nn.BatchNorm3d),
}
Stride = tuple[int, ...]


class Block(nn.Module):
    """Two convolutions of 3, each with batch norm, and a shortcut around them."""

    def __init__(self, a: int, b: int, stride: Stride) -> None:
        super().__init__()
        conv, norm = LAYERS[len(stride)]
        self.conv1 = conv(a, b, 3, stride, 1, bias=False)
        self.bn1 = norm(b)
        self.conv2 = conv(b, b, 3, 1, 1, bias=False)
        self.bn2 = norm(b)
        self.shortcut = nn.Sequential()
        if a != b or max(stride) > 1:
            self.shortcut = nn.Sequential(conv(a, b, 1, stride, bias=False), norm(b))

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) or (B, a, D, H, W) -> (B, b, ...), each side divided by its stride."""
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))


class ResNet(nn.Module):
    """A convolution and four groups of blocks, of 64, 128, 256 and 512 channels."""

    def __init__(
        self, channels: int, classes: int, blocks: int, stem: Stride, strides: Sequence[Stride]
    ) -> None:
        """blocks: in each group; stem, strides: of the convolution and of each group, by axis."""
        super().__init__()
        conv, norm = LAYERS[len(stem)]
        self.conv1, self.bn1 = conv(channels, 64, 3, stem, 1, bias=False), norm(64)
        self.layer1 = _group(64, 64, blocks, strides[0])
        self.layer2 = _group(64, 128, blocks, strides[1])
        self.layer3 = _group(128, 256, blocks, strides[2])
        self.layer4 = _group(256, 512, blocks, strides[3])
        self.linear = nn.Linear(512, classes)

    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) or (B, C, D, H, W) -> (B, 512)."""
        out = self.layer1(F.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(out))).flatten(2).mean(2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) or (B, C, D, H, W) -> logits (B, classes)."""
        return self.linear(self.features(x))


def _group(a: int, b: int, blocks: int, stride: Stride) -> nn.Sequential:
    ones = (1,) * len(stride)
    rest = [Block(b, b, ones) for _ in range(blocks - 1)]
    return nn.Sequential(Block(a, b, stride), *rest)


def resnet_18(shape: tuple[int, ...], classes: int) -> ResNet:
    """11,173,962 weights for 3 channels and 10 classes; its channels are last in memory."""
    strides = [(1, 1), (2, 2), (2, 2), (2, 2)]
    network = ResNet(shape[0], classes, 2, (1, 1), strides)
    return network.to(memory_format=torch.channels_last)


def resnet_10_3d(shape: tuple[int, ...], classes: int) -> ResNet:
    """14,340,426 weights for 1 channel and 10 classes; strides as in `volume_strides`."""
    stem, strides = volume_strides(shape[1:])
    return ResNet(shape[0], classes, 1, stem, strides)


def resnet_18_3d(shape: tuple[int, ...], classes: int) -> ResNet:
    """33,144,906 weights for 1 channel and 10 classes; strides as in `volume_strides`."""
    stem, strides = volume_strides(shape[1:])
    return ResNet(shape[0], classes, 2, stem, strides)


def volume_strides(sides: tuple[int, ...]) -> tuple[Stride, list[Stride]]:
    """Strides of the first convolution and of the four groups for volumes of these sides.

    The first convolution halves each axis of more than 16 voxels, the last three groups each of
    more than 4: short axes stay as they are while longer ones are halved.
    """
    stem = tuple(2 if side > 16 else 1 for side in sides)
    left = [-(-side // step) for side, step in zip(sides, stem, strict=True)]
    strides: list[Stride] = [(1,) * len(sides)]
    for _ in WIDTHS[1:]:
        step = tuple(2 if side > 4 else 1 for side in left)
        left = [-(-side // by) for side, by in zip(left, step, strict=True)]
        strides.append(step)
    return stem, strides
