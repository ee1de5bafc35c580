"""Layers in a quicker form: the same numbers up to float noise, the same names of weights."""

import torch.nn.functional as F
from torch import Tensor, nn


def instance_norm(channels: int) -> nn.GroupNorm:
    """Instance norm without parameters, as group norm of single channels: quicker on a CPU."""
    return nn.GroupNorm(channels, channels, affine=False)


class WholeMap(nn.Conv2d):
    """A convolution without padding; one matrix product where its kernel covers the whole map."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) -> (B, b, H - kernel + 1, W - kernel + 1)."""
        if x.shape[2:] != self.kernel_size:
            return super().forward(x)
        return F.linear(x.flatten(1), self.weight.flatten(1), self.bias)[:, :, None, None]


class HalvingStem(nn.Conv2d):
    """A first convolution of 5x5, stride 2, padding 2; on even maps, 3x3 on its four phases.

    Pixels of even and odd rows and columns become channels of a map of half the size. The gradient
    by the pixels, which an attack takes at every step, is then a convolution of stride 1: a third
    of the time on a CPU.
    """

    def __init__(self, a: int, b: int) -> None:
        super().__init__(a, b, 5, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) -> (B, b, ceil(H / 2), ceil(W / 2))."""
        if x.shape[2] % 2 or x.shape[3] % 2:
            return super().forward(x)
        b, a = self.weight.shape[:2]
        # with a sixth row and column of zeros
        six = F.pad(self.weight, (0, 1, 0, 1)).view(b, a, 3, 2, 3, 2)
        phases = six.permute(0, 1, 3, 5, 2, 4).reshape(b, 4 * a, 3, 3)
        return F.conv2d(F.pixel_unshuffle(x, 2), phases, self.bias, padding=1)
