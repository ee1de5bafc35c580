"""The user's own images: a folder or an archive of class folders, or a file of arrays."""

import io
from functools import partial
from pathlib import Path

import numpy as np

from smd.data import arrays, axes, cache, layout, npy, sources
from smd.data.decode import decode, resized
from smd.data.images import Images
from smd.data.request import Request
from smd.errors import UserError

REPORTS = 100  # times that an import tells how far it is


def load(request: Request) -> Images:
    """The images at request.path, sorted by split, class and file name, or as a file of arrays has them.

    Raises UserError if there are none, if they cannot be read, or if they differ in size or channels.
    """
    source = sources.find(request.path)
    importer = arrays.read if sources.holds_arrays(source) else read
    return cache.fetch("folder", fingerprint(source, request), partial(importer, source, request))


def dims(path: str) -> int:
    """2 if there are images at that path, 3 if there are volumes; only headers are read. UserError as above."""
    source = sources.find(path)
    if sources.holds_arrays(source):
        return len(arrays.shape(source)) - 1
    found = 2
    for member in sources.members(source):
        if layout.is_picture(member.path):
            return 2
        if found == 2 and layout.is_image(member.path):
            found = _array(member.read(), member.path, 0).ndim - 1
    return found


def fingerprint(source: Path, request: Request) -> cache.Fingerprint:
    """What changes when the images of a folder or archive, or the size asked for, do."""
    files = arrays.files(source) if sources.holds_arrays(source) else [source]
    if source.is_dir():
        files = [source / member.path for member in sources.members(source) if layout.is_image(member.path)]
    return {**sources.stamp(files, source), "image_size": request.image_size}


def read(source: Path, request: Request, folder: Path) -> cache.Imported:
    """Import a folder or archive of class folders into the cache's folder, one image at a time."""
    request.report(f"Listing {source.name}", 0.0)
    plan = layout.plan((member.path for member in sources.members(source)), str(source))
    pixels = _read_pixels(source, plan, request, folder)
    return cache.Imported(plan.classes, pixels, plan.labels, plan.split, paths=plan.names)


def _read_pixels(source: Path, plan: layout.Plan, request: Request, folder: Path) -> np.memmap:
    row_of = {name: row for row, name in enumerate(plan.names)}
    every = -(-len(row_of) // REPORTS)
    wanted = (member for member in sources.members(source) if member.path in row_of)
    first, pixels = "", None
    for done, member in enumerate(wanted):
        take = _array if layout.is_array(member.path) else decode
        image = take(member.read(), member.path, request.image_size)
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


def _array(data: bytes, name: str, side: int) -> np.ndarray:
    """One image (C, H, W) or volume (C, D, H, W) from an .npy file, its axes as in smd.data.axes without N."""
    title = f"The array '{name}'"
    stored = npy.described(title, len(data), partial(io.BytesIO, data))
    axes.check_kind(stored.dtype, title)
    if not all(stored.shape):
        raise UserError(f"{title} is empty: remove it.")
    values = axes.channels_first(npy.whole(stored)[None], title)
    return resized(axes.to_bytes(values, title)[0], side)


def _check_square(name: str, image: np.ndarray) -> None:
    if image.ndim == 3 and image.shape[1] != image.shape[2]:
        raise UserError(
            f"The image '{name}' is {axes.sides(image.shape)}, but networks take square ones: "
            "set an image size, such as 32, to resize all."
        )


def _check_alike(first: str, shape: tuple[int, ...], name: str, found: tuple[int, ...]) -> None:
    """Raise UserError unless both shapes (C, H, W) or (C, D, H, W) are the same."""
    if len(found) != len(shape):
        raise UserError(
            f"Images and volumes are mixed: '{first}' is {axes.sides(shape)}, '{name}' is {axes.sides(found)}. "
            "Keep one kind."
        )
    if found[0] != shape[0]:
        gray, colour = (first, name) if shape[0] == 1 else (name, first)
        raise UserError(
            f"Gray and colour images are mixed: '{gray}' is gray, '{colour}' is not. Convert all of them to one kind."
        )
    if found != shape:
        how = "Give all volumes the same depth" if found[1] != shape[1] and len(shape) == 4 else ""
        raise UserError(
            f"The images differ in size: '{first}' is {axes.sides(shape)}, '{name}' is {axes.sides(found)}. "
            f"{how or 'Set an image size, such as 32, to resize all'}."
        )
