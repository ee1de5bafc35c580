"""A small CNN for images from 8 to 64 pixels, quick enough to train on a CPU."""

from torch import nn

from smd.nets.layers import instance_norm
from smd.nets.paper import PaperCnn, conv


def small_cnn(shape: tuple[int, ...], classes: int) -> nn.Module:
    """Halve the image until 4 pixels are left, 16 to 128 channels; the head of App. B."""
    width, size = 16, shape[1]
    layers: list[nn.Module] = [conv(shape[0], width, 3, 1, 1), nn.LeakyReLU()]
    while size > 4:
        wider = min(2 * width, 128)
        layers += [conv(width, wider, 3, 2, 1), instance_norm(wider), nn.LeakyReLU()]
        width, size = wider, -(-size // 2)
    layers += [nn.Flatten(), nn.Linear(width * size * size, 128)]
    return PaperCnn(nn.Sequential(*layers), 128, classes)
