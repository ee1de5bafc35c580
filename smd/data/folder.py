"""The user's own images: a folder or an archive of class folders, or a file of arrays."""

import hashlib
import io
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from smd.data import arrays, axes, cache, decode, file_kinds, layout, names, npy, sources
from smd.data.archive import Member
from smd.data.images import Images
from smd.data.request import Request
from smd.data.validation import Problems
from smd.errors import UserError

PATIENCE = 0.4  # seconds that a listing may take where only the kind of images is asked for
DECODING = 2  # raised when the same files give other pixels
REPORTS = 100  # times that an import tells how far it is
SILENCE = 1.0  # seconds after which it tells anyway
LISTED = 10  # files that a note names
CONVERTED = {
    "rgb": "images were converted from gray to RGB as asked for",
    "gray": "images were converted from RGB to gray as asked for",
}


def load(request: Request) -> Images:
    """The images at request.path, sorted by split, class and file name, or as a file of arrays has
    them.

    Raises UserError if there are none, if they cannot be read, or if they differ in size or
    channels.
    """
    source = sources.find(request.path)
    importer = arrays.read if sources.holds_arrays(source) else read
    return cache.fetch("folder", fingerprint(source, request), partial(importer, source, request))


def dims(path: str) -> int:
    """2 if there are images at that path, 3 if there are volumes; only headers are read. UserError
    as above."""
    source = sources.find(path)
    if sources.holds_arrays(source):
        return len(arrays.shape(source)) - 1
    found = 2
    for member in sources.members(source, time.monotonic() + PATIENCE):
        if file_kinds.is_picture(member.path):
            return 2
        if found == 2 and file_kinds.is_image(member.path):
            found = _array(member.read(), member.path, 0).ndim - 1
    return found


def found(request: Request, until: float) -> Images | None:
    """The same images if they are imported already; raises UserError if the path is wrong.

    until: when to stop listing by time.monotonic(); raises smd.data.archive.OutOfTime then.
    """
    return cache.cached(
        cache.key_of("folder", fingerprint(sources.find(request.path), request, until))
    )


def fingerprint(source: Path, request: Request, until: float = math.inf) -> cache.Fingerprint:
    """What changes when the images of a folder or archive, or what is asked of them, do; until: as
    in `found`."""
    files = arrays.files(source) if sources.holds_arrays(source) else [source]
    more: dict[str, str | int] = {} if sources.holds_arrays(source) else {"decoding": DECODING}
    if source.is_dir():
        listed = [member.path for member in sources.members(source, until)]
        files = [source / path for path in listed if file_kinds.is_image(path)]
        # an empty test/ is one
        others = "\n".join(sorted(path for path in listed if not file_kinds.is_image(path)))
        more["others"] = hashlib.blake2b(
            others.encode(errors="surrogateescape"), digest_size=16
        ).hexdigest()
    return {
        **sources.stamp(files, source, until),
        "image_size": request.image_size,
        **request.choices,
        **more,
    }


def read(source: Path, request: Request, folder: Path) -> cache.Imported:
    """Import a folder or archive of class folders into the cache's folder, one image at a time."""
    request.report(f"Listing {names.visible(source.name)}", 0.0)
    plan = layout.plan(
        (member.path for member in sources.members(source)), names.visible(str(source))
    )
    told, total = Counter[str](), len(plan.names)
    pixels, broken = _read_pixels(source, plan, request, folder, told)
    notes = [
        f"{told[text]:,} of {total:,} {text}."
        for text in (*decode.NOTES, *CONVERTED.values())
        if told[text]
    ]
    if broken:
        kept = ~np.isin(np.array(plan.names, dtype=object), broken)
        plan, pixels = plan.only(kept), cache.shrunk(folder, pixels, kept)
        notes.insert(0, _left_out(broken, total))
    return cache.Imported(
        plan.classes, pixels, plan.labels, plan.split, (*plan.notes, *notes), plan.names
    )


def _left_out(broken: list[str], total: int) -> str:
    shown = ", ".join(f"'{names.visible(path)}'" for path in sorted(broken)[:LISTED])
    more = f" and {len(broken) - LISTED:,} more" if len(broken) > LISTED else ""
    be, what = ("is", "it") if len(broken) == 1 else ("are", "they")
    return (
        f"{len(broken):,} of {total:,} images {be} left out as asked for, for {what} cannot be"
        f" read: {shown}{more}."
    )


def _read_pixels(
    source: Path, plan: layout.Plan, request: Request, folder: Path, told: Counter[str]
) -> tuple[np.memmap, list[str]]:
    """The pixels, and the paths of images that were left out because they cannot be read: their
    rows are zero."""
    row_of = {name: row for row, name in enumerate(plan.names)}
    first, pixels, problems, broken = "", None, Problems(), []
    for member in _reported(source, row_of, request):
        name = names.visible(member.path)
        try:
            image = _read(member, request, told)
        except UserError as error:
            problems.broken.append(str(error))
            broken.append(member.path)
            continue
        if pixels is None:
            _check_square(name, image)
            first, pixels = name, cache.allocate(folder, (len(row_of), *image.shape))
        if why := _unlike(first, pixels.shape[1:], name, image.shape):
            problems.differs(*why)
        else:
            pixels[row_of[member.path]] = image
    problems.check(len(row_of), request.skip_broken)
    shown = names.visible(str(source))
    if pixels is None and broken:
        raise UserError(f"None of the {len(broken):,} images in {shown} can be read.")
    if pixels is None:
        raise UserError(f"{shown} changed while it was read: try again.")
    return pixels, broken


def _reported(source: Path, row_of: Mapping[str, int], request: Request) -> Iterator[Member]:
    """The members of the source that have a row; says now and then how far it is."""
    every, told_at = -(-len(row_of) // REPORTS), 0.0
    wanted = (member for member in sources.members(source) if member.path in row_of)
    for done, member in enumerate(wanted):
        if done % every == 0 or time.monotonic() > told_at + SILENCE:
            told_at = time.monotonic()
            request.report(f"Reading {names.visible(source.name)}", done / len(row_of))
        yield member


def _read(member: Member, request: Request, told: Counter[str]) -> np.ndarray:
    """One image (C, H, W) or volume (C, D, H, W) in the channels asked for; raises UserError."""
    is_array = file_kinds.is_array(member.path)
    take = _array if is_array else partial(decode.decode, told=told)
    values = take(member.read(), names.visible(member.path), request.image_size)
    return _converted(values, request.channels, told)


def _converted(image: np.ndarray, channels: str, told: Counter[str]) -> np.ndarray:
    """The image (C, ...) in the channels asked for."""
    converted = decode.in_channels(image[None], channels)[0]
    if len(converted) != len(image):
        told[CONVERTED[channels]] += 1
    return converted


def _array(data: bytes, name: str, side: int) -> np.ndarray:
    """One image (C, H, W) or volume (C, D, H, W) from an .npy file, its axes as in smd.data.axes
    without N."""
    title = f"The array '{name}'"
    stored = npy.described(title, len(data), partial(io.BytesIO, data))
    axes.check_kind(stored.dtype, title)
    if not all(stored.shape):
        raise UserError(f"{title} is empty: remove it.")
    values = axes.channels_first(npy.whole(stored)[None], title)
    return decode.resized(axes.to_bytes(values, title)[0], side)


def _check_square(name: str, image: np.ndarray) -> None:
    if image.ndim == 3 and image.shape[1] != image.shape[2]:
        raise UserError(
            f"The image '{name}' is {axes.sides(image.shape)}, but networks take square ones: "
            "set an image size, such as 32, to resize all."
        )


def _unlike(
    first: str, shape: tuple[int, ...], name: str, found: tuple[int, ...]
) -> tuple[str, str] | None:
    """How two shapes (C, H, W) or (C, D, H, W) differ, in a word and a sentence; None if they do
    not."""
    if found == shape:
        return None
    if len(found) != len(shape):
        return (
            "dims",
            f"Images and volumes are mixed: '{first}' is {axes.sides(shape)}, '{name}' is"
            f" {axes.sides(found)}. Keep one kind.",
        )
    if found[0] != shape[0]:
        gray, colour = (first, name) if shape[0] == 1 else (name, first)
        return (
            "channels",
            f"Gray and colour images are mixed: '{gray}' is gray, '{colour}' is not. Convert"
            " all of them to one kind with --channels rgb or gray (on the Train page:"
            " 'Colours').",
        )
    how = "Give all volumes the same depth" if found[1] != shape[1] and len(shape) == 4 else ""
    return (
        "sizes",
        f"The images differ in size: '{first}' is {axes.sides(shape)}, '{name}' is"
        f" {axes.sides(found)}. {how or 'Set an image size, such as 32, to resize all'}.",
    )
