"""What a file of arrays holds, by its headers: an .npz, or an .npy with its labels beside it."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from smd.data import archive, disk, npy, roles, zipped
from smd.data.archive import MAX_TOTAL
from smd.data.npy import Stored
from smd.data.split import TRAIN
from smd.errors import UserError


@dataclass(frozen=True)
class Part:
    """The images of one split."""

    images: Stored
    labels: Stored | None  # None where a table has them
    split: int


@dataclass(frozen=True)
class Content:
    """What a file of arrays holds; only headers have been read."""

    parts: tuple[Part, ...]
    classes: Stored | None = None


def files(source: Path, tabled: bool) -> list[Path]:
    """The files that the images and labels are in; raises UserError if there are no labels beside
    an .npy file, and a table does not tell them either."""
    beside = None if source.name.lower().endswith(".npz") else _labels_beside(source, tabled)
    return [source, beside] if beside else [source]


def content(source: Path, tabled: bool) -> Content:
    """Its arrays by splits; tabled: a table tells labels, so that the file may have none.

    Raises UserError if it is broken, or holds no images to train on.
    """
    npz = source.name.lower().endswith(".npz")
    held = _npz(source, tabled) if npz else _npy(source, tabled)
    parts = tuple(part for part in held.parts if _holds(part))
    if not any(part.split == TRAIN for part in parts):
        raise UserError(f"{source} holds no images to train on: fill it.")
    return Content(parts, held.classes)


def _holds(part: Part) -> bool:
    """Whether there is anything in it."""
    return bool(part.images.shape[0] or (part.labels and part.labels.shape[0]))


def _npy(source: Path, tabled: bool) -> Content:
    images, *beside = (npy.of_file(file) for file in files(source, tabled))
    return Content((Part(images, beside[0] if beside else None, TRAIN),))


def _labels_beside(source: Path, tabled: bool) -> Path | None:
    names = (f"{source.stem}_labels.npy", "labels.npy")
    for file in (source.with_name(name) for name in names):
        if file.is_file() and file != source:
            return file
    if tabled:
        return None
    raise UserError(
        f"There are no labels for {source}: save them beside it as {' or '.join(names)}."
    )


def _npz(source: Path, tabled: bool) -> Content:
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
    pairs = roles.pairs(sizes.keys() - {"classes"}, str(source), tabled)
    given = ((pair, stored(pair.labels) if pair.labels else None) for pair in pairs)
    parts = tuple(Part(stored(pair.images), labels, pair.split) for pair, labels in given)
    return Content(parts, stored("classes") if "classes" in sizes else None)


def _stored(source: Path, sizes: dict[str, int], name: str) -> Stored:
    return npy.described(
        f"{name} in {source}", sizes[name], partial(_member, source, f"{name}.npy")
    )


@contextmanager
def _member(source: Path, name: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(source) as opened, opened.open(name) as stream:
        yield stream
