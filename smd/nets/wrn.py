"""WideResNet-28-4 (Zagoruyko and Komodakis 2016) with per-image standardisation."""

import math
import re
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smd.nets.published import Renamed

# Blocks, and the layers beside them, as MMA's files (advertorch) and RobustBench's copy of them
# name them; ours are numbered through.
BLOCK = re.compile(r"(?:convgroup|block)([123])\.layer\.([0-3])\.(.+)")
SHORTCUT = re.compile(r"(?:conv_shortcut|convShortcut)\.")
BESIDE = {"conv1": "body.1", "bn1": "body.14", "fc": "head"}


class PerImageStandardize(nn.Module):
    """Zero mean and unit deviation over all pixels of each image; flat images are not blown up."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        floor = 1 / math.sqrt(x[0].numel())
        deviation = x.std(dim=(1, 2, 3), keepdim=True)
        return (x - x.mean(dim=(1, 2, 3), keepdim=True)) / deviation.clamp_min(floor)


def conv(a: int, b: int, kernel: int, stride: int, padded: bool = True) -> nn.Conv2d:
    """A convolution without bias, its weights drawn as He et al. 2015 by what leaves it."""
    layer = nn.Conv2d(a, b, kernel, stride, kernel // 2 if padded else 0, bias=False)
    nn.init.normal_(layer.weight, 0, math.sqrt(2 / (kernel * kernel * b)))
    return layer


class Block(nn.Module):
    """Pre-activation residual block; the shortcut of a wider block takes the activated input."""

    def __init__(self, a: int, b: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(a), conv(a, b, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(b), conv(b, b, 3, 1)
        self.shortcut = None if a == b else conv(a, b, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) -> (B, b, H/stride, W/stride)."""
        active = F.relu(self.bn1(x))
        out = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return out + (x if self.shortcut is None else self.shortcut(active))


class WideResNet(nn.Module):
    """Depth 28: three groups of four blocks of 16 * widen * (1, 2, 4) channels."""

    def __init__(self, channels: int, classes: int, widen: int) -> None:
        super().__init__()
        a = 16
        layers: list[nn.Module] = [PerImageStandardize(), conv(channels, a, 3, 1)]
        for b, stride in ((16 * widen, 1), (32 * widen, 2), (64 * widen, 2)):
            for k in range(4):
                layers.append(Block(a, b, stride if k == 0 else 1))
                a = b
        self.body = nn.Sequential(*layers, nn.BatchNorm2d(a), nn.ReLU())
        self.head = nn.Linear(a, classes)
        nn.init.zeros_(self.head.bias)

    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, 64 * widen)."""
        return torch.mean(self.body(x), dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> logits (B, classes)."""
        return self.head(self.features(x))

    def renamed(self, tensors: Mapping[str, Tensor]) -> Renamed:
        """MMA's names, with or without the number of the network in its sequence, as our own."""
        own = {_own_name(name): value for name, value in tensors.items()}
        return Renamed(own if len(own) == len(tensors) else dict(tensors))


def _own_name(name: str) -> str:
    """Our name of a tensor that others name so; a name that is none of theirs stays."""
    name = name.removeprefix("1.")  # 0 is the standardisation, which has no weights
    if block := BLOCK.fullmatch(name):
        group, number, rest = block.groups()
        return f"body.{4 * int(group) - 2 + int(number)}.{SHORTCUT.sub('shortcut.', rest)}"
    layer, _, tensor = name.partition(".")
    return f"{BESIDE[layer]}.{tensor}" if layer in BESIDE else name


def wrn_28_4(shape: tuple[int, ...], classes: int) -> WideResNet:
    """5,849,050 parameters for 3 channels and 10 classes.

    Channels come last in memory: a third faster on a CPU, with the same numbers up to float noise.
    """
    return WideResNet(shape[0], classes, 4).to(memory_format=torch.channels_last)
