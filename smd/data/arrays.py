"""Own images in a file of arrays: an .npz as MedMNIST's, or an .npy with its labels beside it.

An .npz holds train_images and train_labels, and if there are any val_* and test_*; or x_train,
y_train, ...; or images and labels (smd.data.roles). It may name the classes in `classes`, an array
of strings. See smd.data.axes for the shapes and values of the images, smd.data.labels for those of
the labels.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from smd.data import (
    array_files,
    axes,
    cache,
    deep,
    disk,
    labels,
    names,
    npy,
    tabled_arrays,
)
from smd.data.archive import MAX_FILE
from smd.data.array_files import Content
from smd.data.decode import in_channels, resized
from smd.data.deep import Asked
from smd.data.facts import Facts
from smd.data.intensity import Bounds
from smd.data.npy import Stored
from smd.data.request import Request
from smd.data.scan import Deep, check_finite
from smd.data.split import TRAIN
from smd.errors import UserError

CHUNK = 16 * 2**20  # bytes that are converted at once
COUNT = {"gray": 1, "rgb": 3}  # channels


def shape(source: Path, side: int = 0) -> tuple[int, ...]:
    """(C, H, W) or (C, D, H, W) of its images, by the headers; H and W are `side` unless that is 0.

    Raises UserError if the file is broken, or if its images differ or cannot be used.
    """
    return _shape(array_files.content(source, tabled=True), side)


def read(source: Path, request: Request, folder: Path) -> cache.Imported:
    """Import a file of arrays into the cache's folder, a few images at a time."""
    request.report(f"Reading {source.name}", 0.0)
    content = array_files.content(source, bool(request.labels))
    into = _shape(content, request.image_size, request.channels)
    told = _told(source, content, request)
    work = Work(content, request, source.name, folder, (len(told.split), *into), told)
    pixels, bounds, mapping = None, None, tuple[str, ...]()
    if not _is_deep(content, request):
        with suppress(Deep):  # floats of any range: they are read again
            pixels = _shallow(work)
    if pixels is None:
        pixels, bounds, mapping = _deep(work)
    kept = told.kept
    return cache.Imported(
        told.classes,
        pixels if kept.all() else cache.shrunk(folder, pixels, kept),
        told.labels[kept],
        told.split[kept],
        (*mapping, *told.notes, *_converted(content, request.channels)),
        facts=told.facts,
        intensity=bounds,
    )


@dataclass(frozen=True, eq=False)
class Told:
    """What is known of the N images before they are read: by the file, and by a table."""

    kept: np.ndarray  # (N,) bool
    labels: np.ndarray  # (N,) int64
    split: np.ndarray  # (N,)
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    facts: Facts = field(default_factory=Facts)  # of those that are kept


def _told(source: Path, content: Content, request: Request) -> Told:
    sizes = [part.images.shape[0] for part in content.parts]
    split = np.repeat([part.split for part in content.parts], sizes)
    if not request.labels:
        return _labelled(content, split, np.ones(len(split), bool), str(source))
    labelled, where = content.parts[0].labels is not None, names.visible(str(source))
    found = tabled_arrays.assigned(request.labels, request.columns, split, where, labelled)
    if found.labels is None:
        own = _labelled(content, found.split, found.kept, str(source))
        return replace(own, notes=(*found.notes, *own.notes), facts=found.facts)
    return Told(found.kept, found.labels, found.split, found.classes, found.notes, found.facts)


def _labelled(content: Content, split: np.ndarray, kept: np.ndarray, where: str) -> Told:
    """By the labels of the file itself."""
    given = [(part.labels, part.images.shape[0]) for part in content.parts]
    read = [labels.of(stored, n) for stored, n in given if stored is not None]
    joined, known = labels.joined(read, content.classes)
    classes = labels.classes(known, joined[kept], joined[kept & (split == TRAIN)], where)
    hot = "The labels are one-hot: the column of the 1 is taken as the class."
    return Told(kept, joined, split, classes, (hot,) if read[0].columns else ())


@dataclass(frozen=True)
class Work:
    """What is to be read, and where to."""

    content: Content
    request: Request
    name: str  # of the file
    folder: Path  # of the cache
    shape: tuple[int, ...]  # of all images
    told: Told


def _is_deep(content: Content, request: Request) -> bool:
    """Whether values are to be mapped; that floats are in [0, 1] can only be seen later.

    Raises UserError if images of 8 bits are mixed with others and no mapping is chosen.
    """
    if request.intensity:
        return True
    shallow = [part.images.title for part in content.parts if part.images.dtype == np.uint8]
    deep = [part.images.title for part in content.parts if _whole(part.images.dtype)]
    if shallow and deep:
        raise UserError(
            f"Images of 8 bits and deeper ones are mixed: {shallow[0]} has 8 bits, {deep[0]} has"
            " more than 8 bits. Save them alike, or map all alike with --intensity range."
        )
    return bool(deep)


def _whole(dtype: np.dtype) -> bool:
    return dtype.kind in "ui" and dtype != np.uint8


def _shallow(work: Work) -> np.memmap:
    """Bytes, and floats in [0, 1]; raises Deep for others."""
    pixels = cache.allocate(work.folder, work.shape)

    def take(values: np.ndarray, title: str) -> np.ndarray:
        shown = in_channels(axes.to_bytes(values, title), work.request.channels)
        return resized(shown, work.request.image_size)

    _fill(pixels, work, take)
    return pixels


def _deep(work: Work) -> tuple[np.memmap, Bounds, tuple[str, ...]]:
    """Values of any range, mapped; the bounds and what was done."""
    asked, values = Asked(work.request.intensity), deep.allocate(work.folder, work.shape)

    def take(given: np.ndarray, title: str) -> np.ndarray:
        check_finite(given, title)
        small = deep.resized(given, work.request.image_size)
        return in_channels(small, work.request.channels)

    _fill(values, work, take)
    asked.told()
    kept, training = work.told.kept, work.told.split == TRAIN
    pixels, bounds, note = deep.mapped(work.folder, values, kept, training, asked)
    return pixels, bounds, (note,)


def _fill(into: np.memmap, work: Work, take: Callable[[np.ndarray, str], np.ndarray]) -> None:
    row = 0
    for part in work.content.parts:
        stored = part.images
        rows = max(1, CHUNK // max(stored.row, into[0].nbytes))
        for chunk in npy.chunks(stored, rows):
            values = axes.channels_first(chunk, stored.title)
            into[row : row + len(chunk)] = take(values, stored.title)
            row += len(chunk)
            work.request.report(f"Reading {work.name}", row / len(into))


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
    shapes = {part.images.title: _one_shape(part.images, side) for part in content.parts}
    if channels:
        shapes = {title: (COUNT[channels], *shape[1:]) for title, shape in shapes.items()}
    for title, other in shapes.items():
        if other != shapes[first.title]:
            sizes = other[1:] != shapes[first.title][1:]
            alike = (
                "Make them alike"
                if sizes
                else "Convert all with --channels rgb or gray (the Train page's 'Colours')"
            )
            raise UserError(
                f"The images differ: {first.title} has {_said(shapes[first.title])}, {title}"
                f" {_said(other)}. {alike}."
            )
    return shapes[first.title]


def _said(shape: tuple[int, ...]) -> str:
    return f"{axes.sides(shape)} in {shape[0]} channel{'s' * (shape[0] > 1)}"


def _one_shape(stored: Stored, side: int, square: bool = True) -> tuple[int, ...]:
    axes.check_kind(stored.dtype, stored.title)
    if stored.row > MAX_FILE:
        raise UserError(
            f"{stored.title} has images of more than {disk.show(MAX_FILE)} each: make them smaller."
        )
    read = axes.shape_of(stored.shape, stored.title)
    if side:
        read = (*read[:-2], side, side)
    if min(read) == 0:
        raise UserError(f"{stored.title} holds images without a pixel: save it again.")
    if square and len(read) == 3 and read[1] != read[2]:
        raise UserError(
            f"{stored.title} has images of {axes.sides(read)}, but networks take square ones: "
            "set an image size, such as 32, to resize all."
        )
    return read
