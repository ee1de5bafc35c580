"""The convolutional networks of App. B.3 (SVHN) and B.4 (Fashion-MNIST).

Neither has batch norm: instance norm and layer norm treat every sample alone.
"""

from torch import Tensor, nn

from smd.nets.layers import HalvingStem, WholeMap, instance_norm


def conv(a: int, b: int, kernel: int, stride: int, padding: int) -> nn.Conv2d:
    """COV(a, b, c, d, e) of App. B.1."""
    return nn.Conv2d(a, b, kernel, stride, padding)


class PaperCnn(nn.Module):
    """Convolutions, then Flatten-LN-LR and a linear layer."""

    def __init__(self, body: nn.Sequential, width: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*body, nn.Flatten(), nn.LayerNorm(width), nn.LeakyReLU())
        self.head = nn.Linear(width, classes)

    def features(self, x: Tensor) -> Tensor:
        """(B, ...) in [0, 1], as the body takes it -> (B, width)."""
        return self.body(x)

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) in [0, 1], as the body takes it -> logits (B, classes)."""
        return self.head(self.features(x))


def _side(size: int) -> int:
    """The side that is left after three convolutions of stride 2 and one of 4 pixels."""
    for _ in range(3):
        size = -(-size // 2)
    return size - 3


def svhn_cnn(shape: tuple[int, ...], classes: int) -> nn.Module:
    """App. B.3; exactly the paper's for 3 channels, 32 pixels, 10 classes."""
    layers: list[nn.Module] = [conv(shape[0], 32, 3, 1, 1), nn.LeakyReLU()]
    for a, b, stride in ((32, 32, 2), (32, 64, 1), (64, 64, 2), (64, 128, 1), (128, 128, 2)):
        layers += [conv(a, b, 3, stride, 1), instance_norm(b), nn.LeakyReLU()]
    layers.append(WholeMap(128, 256, 4))
    return PaperCnn(nn.Sequential(*layers), 256 * _side(shape[1]) ** 2, classes)


def fashion_cnn(shape: tuple[int, ...], classes: int) -> nn.Module:
    """App. B.4; exactly the paper's for 1 channel, 28 pixels, 10 classes."""
    layers: list[nn.Module] = [HalvingStem(shape[0], 64), nn.LeakyReLU()]
    for a, b in ((64, 128), (128, 256)):
        layers += [conv(a, b, 5, 2, 2), instance_norm(b), nn.LeakyReLU()]
    layers.append(WholeMap(256, 512, 4))
    return PaperCnn(nn.Sequential(*layers), 512 * _side(shape[1]) ** 2, classes)
