"""Which network is offered for own images of a size, and why, in words."""

from smd.registry.networks import NETWORKS

LARGE = "torchvision:resnet18"  # for images beyond what the usual network takes
VOLUMES = next(net.name for net in NETWORKS.values() if net.dims == 3)
LARGEST = 512  # pixels a side up to which images are suggested to stay as they are


def offered(dims: int, side: int, usual: str) -> str:
    """The network for own images, dims 2, or volumes, dims 3, of that largest side.

    side: 0 where it is not known. usual: what is offered for small images, of NETWORKS.
    """
    if dims == 3:
        return VOLUMES
    return LARGE if side > NETWORKS[usual].sizes[1] else usual


def why(usual: str) -> str:
    """What is offered at which size, and why, in words."""
    most, largest = NETWORKS[usual].sizes[1], NETWORKS[VOLUMES].sizes[1]
    return (
        f"Images of up to {most} pixels a side are offered {usual}; larger ones {LARGE}, which"
        " halves an image twice before its first block and so keeps, at 224 pixels, a tenth of what"
        " a ResNet-18 for small images would keep for its gradients (21 MiB an image, not 220)."
        f" Volumes are offered {VOLUMES} at every size, up to {largest} voxels a side: it has no"
        " batch norm, so that a step can take them a few at a time."
    )
