"""One uint8 cache a data set, so that only its first start is slow.

A cache is a folder `<name>-<hash of the fingerprint>` that is moved into place when it is complete:
if it exists, it is whole. Two processes that import the same set at once both succeed.
"""

import errno
import hashlib
import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from smd import paths
from smd.data import disk, facts, filenames, intensity, spacing
from smd.data.facts import Facts
from smd.data.images import Images
from smd.data.intensity import Bounds
from smd.data.spacing import Spacing
from smd.errors import UserError
from smd.files import durable, leftovers

SCHEMA = 1  # part of every key: raised when the files below change their meaning
PIXELS, LABELS, SPLIT, META = "images.npy", "labels.npy", "split.npy", "meta.json"

Fingerprint = Mapping[str, str | int]


@dataclass(frozen=True, eq=False)
class Imported:
    """What an importer hands over: pixels already in the cache's folder, the rest in memory."""

    classes: tuple[str, ...]
    pixels: np.memmap  # (N, C, H, W) uint8, made by allocate()
    labels: np.ndarray  # (N,) integers in [0, len(classes))
    split: np.ndarray  # (N,) 0 train, 1 val, 2 test
    notes: tuple[str, ...] = ()  # what was changed or left out, each a sentence
    paths: Sequence[str] = ()  # (N,) of the files in the source; () where images are no files
    facts: Facts = field(default_factory=Facts)  # what a table of labels says of each image
    intensity: Bounds | None = None  # as in smd.data.images
    spacing: Spacing | None = None  # as there
    cautions: tuple[str, ...] = ()  # as there


def cached(key: str) -> Images | None:
    """The set that was imported under that key; None if its cache is gone or broken.

    Keys are read from stores, which may come from elsewhere: one that is no plain name opens
    nothing.
    """
    if not isinstance(key, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", key):
        return None
    try:
        return _open(key)
    except (OSError, ValueError, KeyError, TypeError, EOFError, IndexError, UserError):
        return None


def fetch(name: str, fingerprint: Fingerprint, make: Callable[[Path], Imported]) -> Images:
    """The cached set of that fingerprint; `make(folder)` imports it first if there is none.

    Raises UserError if the cache cannot be written, and what `make` raises; nothing is left behind
    then.
    """
    key = key_of(name, fingerprint)
    images = cached(key)
    if images is None:
        _import(name, key, fingerprint, make)
        images = _open(key)
    return images


def key_of(name: str, fingerprint: Fingerprint) -> str:
    """The key that a set of that fingerprint has."""
    described = json.dumps({"schema": SCHEMA, **fingerprint}, sort_keys=True)
    return f"{name}-{hashlib.blake2b(described.encode(), digest_size=6).hexdigest()}"


def allocate(
    folder: Path, shape: tuple[int, ...], name: str = PIXELS, kind: type[np.generic] = np.uint8
) -> np.memmap:
    """The set's pixels, uint8 and still zero, on disk, or other numbers in a file of that name;
    raises UserError if they do not fit there."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
    disk.require(size, f"The cache of these {shape[0]:,} images")
    with disk.refusing("The cache of these images"):
        pixels: np.memmap = np.lib.format.open_memmap(folder / name, "w+", kind, shape)
        # Into a hole of a mapped file that finds no room later the kernel kills whoever writes.
        with (folder / name).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, pixels.offset + pixels.nbytes))
    return pixels


def shrunk(folder: Path, pixels: np.memmap, kept: np.ndarray) -> np.memmap:
    """The pixels of `allocate` without the rows that are not kept, (N,) bool; takes no more room
    than before."""
    rows = np.flatnonzero(kept)
    for new, old in enumerate(rows):
        if new != old:
            pixels[new] = pixels[old]
    pixels.flush()
    shape, offset = (len(rows), *pixels.shape[1:]), pixels.offset
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with disk.refusing("The cache of these images"), (folder / PIXELS).open("r+b") as file:
        # as long as before: NumPy leaves room for the first axis
        np.lib.format.write_array_header_1_0(file, header)
        if file.tell() != offset:
            raise OSError(errno.EIO, "its header has another length")
        file.truncate(offset + int(np.prod(shape, dtype=np.int64)))
    smaller: np.memmap = np.lib.format.open_memmap(folder / PIXELS, "r+")
    return smaller


def _open(key: str) -> Images:
    return opened(paths.cache_root() / key, key)


def opened(folder: Path, key: str) -> Images:
    """The set in that folder, as one of that key; raises what a broken one raises."""
    meta = json.loads((folder / META).read_text(encoding="utf-8"))
    labels = np.load(folder / LABELS)
    return Images(
        name=meta["name"],
        key=key,
        classes=tuple(meta["classes"]),
        pixels=np.load(folder / PIXELS, mmap_mode="r"),
        labels=labels,
        split=np.load(folder / SPLIT),
        notes=tuple(map(str, meta.get("notes", ()))),
        facts=facts.read(folder, len(labels)) if meta.get("facts") else Facts(),
        intensity=intensity.read(meta.get("intensity")),
        spacing=spacing.read(meta.get("spacing")),
        cautions=tuple(map(str, meta.get("cautions", ()))),
    )


def _import(
    name: str, key: str, fingerprint: Fingerprint, make: Callable[[Path], Imported]
) -> None:
    leftovers.sweep(paths.cache_root())
    folder = working_folder(key)
    try:
        with leftovers.held(folder):
            imported = make(folder)
        (folder / leftovers.LOCK).unlink()
        with disk.refusing("The cache of these images"):
            imported.pixels.flush()
            durable.write(folder / LABELS, _npy(imported.labels.astype(np.int64)))
            durable.write(folder / SPLIT, _npy(imported.split.astype(np.uint8)))
            if imported.paths:
                filenames.write(folder, imported.paths)
            if imported.facts:
                facts.write(folder, imported.facts)
            durable.write(folder / META, json.dumps(_meta(name, fingerprint, imported), indent=1))
            move(folder, paths.cache_root() / key)
            durable.sync(paths.cache_root())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _meta(name: str, fingerprint: Fingerprint, imported: Imported) -> dict[str, Any]:
    """What is kept beside the arrays; what there is nothing to say of is left out."""
    more = {
        "notes": imported.notes,
        "cautions": imported.cautions,
        "facts": bool(imported.facts),
        "intensity": imported.intensity and imported.intensity.json,
        "spacing": imported.spacing,
    }
    meta = {"schema": SCHEMA, "name": name, "classes": imported.classes, "fingerprint": fingerprint}
    return meta | {key: value for key, value in more.items() if value}


def _npy(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def working_folder(key: str) -> Path:
    """A new folder, open to whom the umask and the cache's group let in: the cache may be
    shared."""
    root = paths.cache_root()
    folder = root / f".{key}-{secrets.token_hex(4)}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        raise UserError(
            f"The cache {root} cannot be written ({error.strerror}): point SMD_CACHE at a folder"
            " that can."
        ) from None
    return folder


def move(folder: Path, target: Path) -> None:
    """Put a folder that is complete into its place, where another process may have been quicker.
    Raises OSError."""
    try:
        folder.rename(target)
    except OSError:
        # what is in the way has lost a file: it is no cache any more
        if cached(target.name) is None:
            shutil.rmtree(target, ignore_errors=True)
            folder.rename(target)
