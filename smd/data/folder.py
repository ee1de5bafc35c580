"""The user's own images: a folder or an archive of class folders."""

from functools import partial
from pathlib import Path

import numpy as np

from smd.data import cache, layout, sources
from smd.data.decode import decode
from smd.data.images import Images
from smd.data.request import Request
from smd.errors import UserError

REPORTS = 100  # times that an import tells how far it is


def load(request: Request) -> Images:
    """The images at request.path, sorted by split, class and file name.

    Raises UserError if there are none, if they cannot be read, or if they differ in size or channels.
    """
    source = sources.find(request.path)
    return cache.fetch("folder", fingerprint(source, request), partial(read, source, request))


def fingerprint(source: Path, request: Request) -> cache.Fingerprint:
    """What changes when the images of a folder or archive, or the size asked for, do."""
    files = [source]
    if source.is_dir():
        files = [source / member.path for member in sources.members(source) if layout.is_image(member.path)]
    return {**sources.stamp(files, source), "image_size": request.image_size}


def read(source: Path, request: Request, folder: Path) -> cache.Imported:
    """Import a folder or archive of class folders into the cache's folder, one image at a time."""
    request.report(f"Listing {source.name}", 0.0)
    plan = layout.plan((member.path for member in sources.members(source)), str(source))
    pixels = _read_pixels(source, plan, request, folder)
    return cache.Imported(plan.classes, pixels, plan.labels, plan.split)


def _read_pixels(source: Path, plan: layout.Plan, request: Request, folder: Path) -> np.memmap:
    row_of = {name: row for row, name in enumerate(plan.names)}
    every = -(-len(row_of) // REPORTS)
    wanted = (member for member in sources.members(source) if member.path in row_of)
    first, pixels = "", None
    for done, member in enumerate(wanted):
        image = decode(member.read(), member.path, request.image_size)
        if pixels is None:
            _check_square(member.path, image)
            first, pixels = member.path, cache.allocate(folder, (len(row_of), *image.shape))
        _check_alike(first, pixels.shape[1:], member.path, image.shape)
        pixels[row_of[member.path]] = image
        if done % every == 0:
            request.report(f"Reading {source.name}", done / len(row_of))
    if pixels is None:
        raise UserError(f"{source} changed while it was read: try again.")
    return pixels


def _check_square(name: str, image: np.ndarray) -> None:
    height, width = image.shape[1:]
    if height != width:
        raise UserError(
            f"The image '{name}' is {width}x{height} pixels, but networks take square ones: "
            "set an image size, such as 32, to resize all."
        )


def _check_alike(first: str, shape: tuple[int, ...], name: str, found: tuple[int, ...]) -> None:
    """Raise UserError unless both shapes (C, H, W) are the same."""
    if found[0] != shape[0]:
        gray, colour = (first, name) if shape[0] == 1 else (name, first)
        raise UserError(
            f"Gray and colour images are mixed: '{gray}' is gray, '{colour}' is not. Convert all of them to one kind."
        )
    if found != shape:
        raise UserError(
            f"The images differ in size: '{first}' is {shape[2]}x{shape[1]} pixels, '{name}' is "
            f"{found[2]}x{found[1]}. Set an image size, such as 32, to resize all."
        )
