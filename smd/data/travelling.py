"""Imported images that travel to another machine: the files of their cache, piece by piece.

What arrives is known by its content (smd.data.content), whatever the other machine called it.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from smd import paths
from smd.data import cache, content, disk, facts, filenames
from smd.data.images import Images
from smd.errors import UserError
from smd.files import leftovers

PIECE = 2**25  # bytes
FILES = (
    cache.META,
    cache.LABELS,
    cache.SPLIT,
    cache.PIXELS,
    facts.FILE,
    filenames.FILE,
)
KEY = re.compile(r"[a-z0-9][a-z0-9-]*")
BROKEN = (OSError, ValueError, KeyError, TypeError, EOFError, IndexError)


def found(key: str, known: str) -> bool:
    """Whether the cache here has the set of that key, with that very content: a run asks for it by
    its key where a table tells of its images."""
    images = cache.cached(key)
    return images is not None and content.of(images) == known


def pieces(key: str) -> Iterator[tuple[str, bytes]]:
    """The files of a set in the cache as (name, content), a long one in several pieces."""
    folder = paths.cache_root() / key
    for name in FILES:
        if (folder / name).is_file():
            with (folder / name).open("rb") as file:
                while piece := file.read(PIECE):
                    yield name, piece


class Arriving:
    """A set while it arrives; `close` leaves nothing of one that did not."""

    def __init__(self, key: str) -> None:
        """Raises UserError where the cache cannot be written."""
        if not KEY.fullmatch(key):
            raise UserError("These images have no name that a cache could have.")
        self._key, self._held = key, ExitStack()
        leftovers.sweep(paths.cache_root())
        self._folder: Path = cache.working_folder(key)
        self._held.enter_context(leftovers.held(self._folder))

    def put(self, name: str, piece: bytes) -> None:
        """The next piece of one of the files; raises UserError where the disk has no room."""
        if name not in FILES:
            raise UserError("What arrives are no images.")
        disk.require(len(piece), "The cache of these images")
        with disk.refusing("The cache of these images"), (self._folder / name).open("ab") as file:
            file.write(piece)
            file.flush()
            os.fsync(file.fileno())

    def done(self, known: str) -> Images:
        """The whole set, moved into the cache; raises UserError where it is another than the one of
        that content."""
        try:
            images = cache.opened(self._folder, self._key)
            same = content.hashed(images) == known
        except BROKEN:
            same = False
        if not same:
            raise UserError("The images that arrived are not those that were sent: resume the job.")
        (self._folder / leftovers.LOCK).unlink()
        cache.move(self._folder, paths.cache_root() / self._key)
        if not found(self._key, known):
            raise UserError(
                f"The cache {paths.cache_root()} has other images under the name {self._key}:"
                " remove that folder on this machine."
            )
        return cache.opened(paths.cache_root() / self._key, self._key)

    def close(self) -> None:
        """Remove what is not in its place."""
        self._held.close()
        shutil.rmtree(self._folder, ignore_errors=True)
