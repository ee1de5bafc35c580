"""How much a disk still takes, that of the cache above all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smd import paths
from smd.errors import UserError


def free(folder: Path | None = None) -> int:
    """Free bytes on the disk that a folder is on, or will be; None: that of the cache."""
    folder = folder or paths.cache_root()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require(needed: int, what: str) -> None:
    """Raise UserError if the cache's disk has not that many bytes free."""
    left = free()
    if needed > left:
        raise UserError(
            f"{what} needs {show(needed)}, but the disk of {paths.cache_root()} has {show(left)}"
            " free: make room, or point SMD_CACHE at another disk."
        )


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Around what writes to the cache: the disk's refusals, its being full too, become a
    UserError."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{what} cannot be written ({error.strerror or error}): "
            f"make room on the disk of {paths.cache_root()}, or point SMD_CACHE at another."
        ) from error


def show(size: int) -> str:
    """A number of bytes for people."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"
