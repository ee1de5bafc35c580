"""A small CNN for volumes, quick enough to train on a CPU."""

from torch import nn

from smd.nets.layers import instance_norm
from smd.nets.paper import PaperCnn


def volume_cnn(shape: tuple[int, ...], classes: int) -> nn.Module:
    """Halve each axis until 4 voxels or fewer are left, 16 to 128 channels; the head of App. B.

    shape: of a volume, (C, D, H, W), each side at least 4. A short axis stays as it is while longer
    ones are halved, so that a volume of few slices keeps them.
    """
    channels, d, h, w = shape
    width = 16
    layers: list[nn.Module] = [nn.Conv3d(channels, width, 3, 1, 1), nn.LeakyReLU()]
    while max(d, h, w) > 4:
        wider, stride = min(2 * width, 128), (_step(d), _step(h), _step(w))
        layers += [nn.Conv3d(width, wider, 3, stride, 1), instance_norm(wider), nn.LeakyReLU()]
        width, (d, h, w) = wider, (-(-d // stride[0]), -(-h // stride[1]), -(-w // stride[2]))
    layers += [nn.Flatten(), nn.Linear(width * d * h * w, 128)]
    return PaperCnn(nn.Sequential(*layers), 128, classes)


def _step(side: int) -> int:
    return 2 if side > 4 else 1
