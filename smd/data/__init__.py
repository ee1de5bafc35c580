"""The data room: image sets by name, imported once into a uint8 cache. Needs no torch."""

from smd import registry
from smd.config import intensities, spacings
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
    labels: str = "",
    columns: str = "",
    intensity: str = "",
    volumes: bool = False,
    spacing: str = "",
) -> Images:
    """The data set of that name in smd.registry.DATASETS, from its cache if the source has not
    changed.

    Where data = "folder", own images, `path` says where they are; the rest is what is done with
    them (smd.data.request). Raises UserError if the set cannot be found, downloaded, read or
    stored.
    """
    entry = registry.find(registry.DATASETS, data, "data set")
    own = (labels, columns, intensity, volumes, spacing)
    request = Request(path, image_size, progress, skip_broken, channels, *own)
    _check(data, request)
    images: Images = registry.load(entry.target)(request)
    return images


def _check(data: str, request: Request) -> None:
    """Raise UserError where the request is none of that data set, or none at all."""
    if data != "folder" and (request.path or request.image_size or request.choices):
        raise UserError(
            "A path, an image size and what to do with its files are for own images only: leave"
            f" them out for '{data}'."
        )
    if request.channels not in CHANNELS:
        raise UserError(
            f"There are no channels '{request.channels}': choose gray or rgb, or leave them out."
        )
    intensities.parse(request.intensity)
    spacings.parse(request.spacing)


def suited_net(request: Request, hurried: bool = False) -> str:
    """The network that suits own images (smd.registry.offers).

    By what they are and how large, as they are resized or resampled. The usual one if they cannot
    be read: whoever loads them says why. hurried: for a page, which takes the usual one where the
    first image is not found in a second.
    """
    from smd.data import folder  # with what reads images, which most commands do without

    usual = registry.DATASETS["folder"].net
    try:
        sides = folder.sides(request, hurried)
        return registry.offered(len(sides), max(sides), usual)
    except UserError:
        return usual
