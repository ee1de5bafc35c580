"""The data room: image sets by name, imported once into a uint8 cache. Needs no torch."""

from smd import registry
from smd.data.cache import cached
from smd.data.content import find
from smd.data.images import Images
from smd.data.request import CHANNELS, Progress, Request
from smd.errors import UserError

__all__ = ["Images", "cached", "find", "load", "suited_net"]


def load(
    data: str,
    path: str = "",
    image_size: int = 0,
    progress: Progress | None = None,
    skip_broken: bool = False,
    channels: str = "",
) -> Images:
    """The data set of that name in smd.registry.DATASETS, from its cache if the source has not
    changed.

    Where data = "folder", own images, `path` says where they are; `image_size` is the side in
    pixels that they are resized to (0: as they are), `skip_broken` leaves out files that cannot be
    read, and `channels` ("gray" or "rgb") converts all of them. Raises UserError if the set cannot
    be found, downloaded, read or stored.
    """
    entry = registry.find(registry.DATASETS, data, "data set")
    request = Request(path, image_size, progress, skip_broken, channels)
    if data != "folder" and (path or image_size or request.choices):
        raise UserError(
            "A path, an image size and what to do with its files are for own images only: leave"
            f" them out for '{data}'."
        )
    if channels not in CHANNELS:
        raise UserError(
            f"There are no channels '{channels}': choose gray or rgb, or leave them out."
        )
    images: Images = registry.load(entry.target)(request)
    return images


def suited_net(path: str) -> str:
    """The network that suits own images at that path.

    One for volumes if that is what they are, which headers tell.

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
