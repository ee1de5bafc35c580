"""The data room: image sets by name, imported once into a uint8 cache. Needs no torch."""

from smd import registry
from smd.data.cache import cached
from smd.data.content import find
from smd.data.images import Images
from smd.data.request import Progress, Request
from smd.errors import UserError

__all__ = ["Images", "cached", "find", "load", "suited_net"]


def load(data: str, path: str = "", image_size: int = 0, progress: Progress | None = None) -> Images:
    """The data set of that name in smd.registry.DATASETS, from its cache if the source has not changed.

    `path` and `image_size` (side in pixels, 0: as they are) are for own images, data = "folder".
    Raises UserError if the set cannot be found, downloaded, read or stored.
    """
    entry = registry.find(registry.DATASETS, data, "data set")
    if data != "folder" and (path or image_size):
        raise UserError(f"A path and an image size are for own images only: leave them out for '{data}'.")
    images: Images = registry.load(entry.target)(Request(path, image_size, progress))
    return images


def suited_net(path: str) -> str:
    """The network that suits own images at that path: one for volumes if that is what they are, which headers tell.

    The usual one if they cannot be read: whoever loads them says why.
    """
    from smd.data import folder  # with what reads images, which most commands do without

    usual = registry.DATASETS["folder"].net
    try:
        dims = folder.dims(path)
    except UserError:
        return usual
    fitting = [net.name for net in registry.NETWORKS.values() if net.dims == dims]
    return usual if usual in fitting else fitting[0]
