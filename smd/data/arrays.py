"""Own images in a file of arrays: an .npz as MedMNIST's, or an .npy with its labels beside it.

An .npz holds train_images and train_labels, and if there are any val_* and test_*; or x_train,
y_train, ...; or images and labels (smd.data.roles). It may name the classes in `classes`, an array
of strings. See smd.data.axes for the shapes and values of the images, smd.data.labels for those of
the labels.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from smd.data import archive, axes, cache, disk, labels, npy, roles, zipped
from smd.data.archive import MAX_FILE, MAX_TOTAL
from smd.data.decode import in_channels, resized
from smd.data.npy import Stored
from smd.data.request import Request
from smd.data.split import TRAIN
from smd.errors import UserError

CHUNK = 16 * 2**20  # bytes that are converted at once
COUNT = {"gray": 1, "rgb": 3}  # channels


@dataclass(frozen=True)
class Part:
    """The images of one split."""

    images: Stored
    labels: Stored
    split: int


@dataclass(frozen=True)
class Content:
    """What a file of arrays holds; only headers have been read."""

    parts: tuple[Part, ...]
    classes: Stored | None = None


def files(source: Path) -> list[Path]:
    """The files that the images and labels are in; raises UserError if there are no labels beside
    an .npy file."""
    return [source] if source.name.lower().endswith(".npz") else [source, _labels_beside(source)]


def shape(source: Path, side: int = 0) -> tuple[int, ...]:
    """(C, H, W) or (C, D, H, W) of its images, by the headers; H and W are `side` unless that is 0.

    Raises UserError if the file is broken, or if its images differ or cannot be used.
    """
    return _shape(_content(source), side)


def read(source: Path, request: Request, folder: Path) -> cache.Imported:
    """Import a file of arrays into the cache's folder, a few images at a time."""
    request.report(f"Reading {source.name}", 0.0)
    content = _content(source)
    into = _shape(content, request.image_size, request.channels)
    sizes = [part.images.shape[0] for part in content.parts]
    found = [labels.of(part.labels, n) for part, n in zip(content.parts, sizes, strict=True)]
    joined, names = labels.joined(found, content.classes)
    split = np.repeat([part.split for part in content.parts], sizes)
    classes = labels.classes(names, joined, joined[split == TRAIN], str(source))
    notes: tuple[str, ...] = (
        ("The labels are one-hot: the column of the 1 is taken as the class.",)
        if found[0].columns
        else ()
    )
    notes += _converted(content, request.channels)
    pixels = cache.allocate(folder, (len(joined), *into))
    _fill(pixels, content, request, source.name)
    return cache.Imported(classes, pixels, joined, split, notes)


def _fill(pixels: np.memmap, content: Content, request: Request, name: str) -> None:
    row = 0
    for part in content.parts:
        stored = part.images
        rows = max(1, CHUNK // max(stored.row, pixels[0].nbytes))
        for chunk in npy.chunks(stored, rows):
            values = axes.to_bytes(axes.channels_first(chunk, stored.title), stored.title)
            pixels[row : row + len(chunk)] = resized(
                in_channels(values, request.channels), request.image_size
            )
            row += len(chunk)
            request.report(f"Reading {name}", row / len(pixels))


def _converted(content: Content, channels: str) -> tuple[str, ...]:
    """How many images are converted, in words."""
    count = sum(
        part.images.shape[0]
        for part in content.parts
        if channels and _one_shape(part.images, 0, square=False)[0] != COUNT[channels]
    )
    return (
        (f"{count:,} images were converted to {channels.replace('rgb', 'RGB')} as asked for.",)
        if count
        else ()
    )


def _shape(content: Content, side: int, channels: str = "") -> tuple[int, ...]:
    first = content.parts[0].images
    found = {part.images.title: _one_shape(part.images, side) for part in content.parts}
    if channels:
        found = {title: (COUNT[channels], *shape[1:]) for title, shape in found.items()}
    for title, other in found.items():
        if other != found[first.title]:
            sizes = other[1:] != found[first.title][1:]
            alike = (
                "Make them alike"
                if sizes
                else "Convert all with --channels rgb or gray (the Train page's 'Colours')"
            )
            raise UserError(
                f"The images differ: {first.title} has {_said(found[first.title])}, {title}"
                f" {_said(other)}. {alike}."
            )
    return found[first.title]


def _said(shape: tuple[int, ...]) -> str:
    return f"{axes.sides(shape)} in {shape[0]} channel{'s' * (shape[0] > 1)}"


def _one_shape(stored: Stored, side: int, square: bool = True) -> tuple[int, ...]:
    axes.check_kind(stored.dtype, stored.title)
    if stored.row > MAX_FILE:
        raise UserError(
            f"{stored.title} has images of more than {disk.show(MAX_FILE)} each: make them smaller."
        )
    found = axes.shape_of(stored.shape, stored.title)
    if side:
        found = (*found[:-2], side, side)
    if min(found) == 0:
        raise UserError(f"{stored.title} holds images without a pixel: save it again.")
    if square and len(found) == 3 and found[1] != found[2]:
        raise UserError(
            f"{stored.title} has images of {axes.sides(found)}, but networks take square ones: "
            "set an image size, such as 32, to resize all."
        )
    return found


def _content(source: Path) -> Content:
    content = _npz(source) if source.name.lower().endswith(".npz") else _npy(source)
    parts = tuple(part for part in content.parts if part.images.shape[0] or part.labels.shape[0])
    if not any(part.split == TRAIN for part in parts):
        raise UserError(f"{source} holds no images to train on: fill it.")
    return Content(parts, content.classes)


def _npy(source: Path) -> Content:
    images, beside = (npy.of_file(file) for file in files(source))
    return Content((Part(images, beside, TRAIN),))


def _labels_beside(source: Path) -> Path:
    names = (f"{source.stem}_labels.npy", "labels.npy")
    for file in (source.with_name(name) for name in names):
        if file.is_file() and file != source:
            return file
    raise UserError(
        f"There are no labels for {source}: save them beside it as {' or '.join(names)}."
    )


def _npz(source: Path) -> Content:
    with npy.readable(str(source)):
        listed = zipped.directory(source)
    if listed and listed.size > archive.LISTED:
        raise UserError(
            f"{source} lists {listed.files:,} or more arrays: keep images and labels alone."
        )
    with npy.readable(str(source)), zipfile.ZipFile(source) as opened:
        infos = opened.infolist()
    sizes = {info.filename.removesuffix(".npy"): info.file_size for info in infos}
    unpacked = sum(info.file_size for info in infos)
    if unpacked > MAX_TOTAL:
        raise UserError(
            f"{source} unpacks to more than {disk.show(MAX_TOTAL)}: make a smaller file."
        )
    archive.check_ratio(source, unpacked)
    stored = partial(_stored, source, sizes)
    pairs = roles.pairs(sizes.keys() - {"classes"}, str(source))
    parts = tuple(Part(stored(pair.images), stored(pair.labels), pair.split) for pair in pairs)
    return Content(parts, stored("classes") if "classes" in sizes else None)


def _stored(source: Path, sizes: dict[str, int], name: str) -> Stored:
    return npy.described(
        f"{name} in {source}", sizes[name], partial(_member, source, f"{name}.npy")
    )


@contextmanager
def _member(source: Path, name: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(source) as opened, opened.open(name) as stream:
        yield stream
