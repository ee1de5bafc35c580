"""ResNet-18 with activations before its convolutions (He et al. 2016), named as in RobustBench.

Two forms are published, which their files tell apart: without a last batch norm, the shortcut
takes a block's input as it is (Wong et al. 2020, Andriushchenko and Flammarion 2020); with one,
`bn`, it takes the activated input (Rice et al. 2020 and what follows it).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """Batch norm, ReLU and a convolution of 3x3, twice, and a shortcut around them."""

    def __init__(self, a: int, b: int, stride: int, activated: bool) -> None:
        """activated: the shortcut of a wider block takes its activated input."""
        super().__init__()
        self.activated = activated
        self.bn1 = nn.BatchNorm2d(a)
        self.conv1 = nn.Conv2d(a, b, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(b)
        self.conv2 = nn.Conv2d(b, b, 3, 1, 1, bias=False)
        self.shortcut = None
        if a != b or stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) -> (B, b, H/stride, W/stride)."""
        active = F.relu(self.bn1(x))
        out = self.conv2(F.relu(self.bn2(self.conv1(active))))
        if self.shortcut is None:
            return out + x
        return out + self.shortcut(active if self.activated else x)


class PreactResNet(nn.Module):
    """A convolution and four groups of two blocks, of 64, 128, 256 and 512 channels."""

    def __init__(self, channels: int, classes: int, last_norm: bool) -> None:
        """last_norm: the form with batch norm and ReLU before the mean over the map."""
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 3, 1, 1, bias=False)
        self.layer1 = _group(64, 64, 1, last_norm)
        self.layer2 = _group(64, 128, 2, last_norm)
        self.layer3 = _group(128, 256, 2, last_norm)
        self.layer4 = _group(256, 512, 2, last_norm)
        self.bn = nn.BatchNorm2d(512) if last_norm else None
        self.linear = nn.Linear(512, classes)

    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 512)."""
        out = self.layer4(self.layer3(self.layer2(self.layer1(self.conv1(x)))))
        if self.bn is not None:
            out = F.relu(self.bn(out))
        return torch.mean(out, dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> logits (B, classes)."""
        return self.linear(self.features(x))


def _group(a: int, b: int, stride: int, activated: bool) -> nn.Sequential:
    return nn.Sequential(Block(a, b, stride, activated), Block(b, b, 1, activated))


def preact_resnet_18(shape: tuple[int, ...], classes: int) -> PreactResNet:
    """11,171,146 weights for 3 channels and 10 classes; its channels are last in memory."""
    network = PreactResNet(shape[0], classes, last_norm=False)
    return network.to(memory_format=torch.channels_last)


def preact_resnet_18_bn(shape: tuple[int, ...], classes: int) -> PreactResNet:
    """11,172,170 weights for 3 channels and 10 classes; its channels are last in memory."""
    network = PreactResNet(shape[0], classes, last_norm=True)
    return network.to(memory_format=torch.channels_last)
