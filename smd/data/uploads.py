"""Own images that came through the browser: files in a folder of the data, chosen by their names.

A file there is called as its sender called it, as far as that is letters and digits, then by the
hash of its content: what is sent twice is kept once. It is never unpacked. One that a training or
an import was started with cannot be written and stays; others go after a while (`sweep`).
"""

import os
import re
import stat
import time
import unicodedata
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from smd import limits, paths
from smd.data import archive, disk
from smd.errors import UserError
from smd.files import leftovers

GIVEN = "SMD_UPLOAD"  # the environment variable with the largest upload, such as 2GiB; 0: none
USUAL = 2**30  # bytes
STEP = 2**20  # bytes; what the browser is told is a whole number of these
RESERVE = 2**30  # bytes that uploads leave free on their disk
DAYS = 7.0  # that an upload stays with which nothing was started
FOLDER = "uploads"
SUFFIXES = (*archive.SUFFIXES, ".npz")
LONGEST = 40  # characters of the sender's name that are kept
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*-[0-9a-f]{16}(\.zip|\.tar|\.tar\.gz|\.tgz|\.npz)")
WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Upload:
    """One uploaded file."""

    path: Path
    size: int  # bytes
    used: float  # when it was last written or looked at, seconds since 1970
    kept: bool  # a training or an import was started with it


@cache
def limit() -> int:
    """The largest upload in bytes, a multiple of STEP; 0: there are none. SMD_UPLOAD is read once.

    Raises UserError if that is no size.
    """
    given = os.environ.get(GIVEN, "").strip()
    size = 0 if given == "0" else limits.size(given, GIVEN) if given else USUAL
    return size // STEP * STEP


def folder() -> Path:
    """Where uploads are, whether it is there or not."""
    return paths.data_root() / FOLDER


def check_room(coming: int = 0) -> None:
    """Raise UserError where the disk would have less than RESERVE free after so many bytes, or the
    folder takes nothing."""
    place = folder()
    above = next(each for each in (place, *place.parents) if each.exists())
    if not (above.is_dir() and os.access(above, os.W_OK | os.X_OK)):
        raise UserError(
            f"Nothing can be uploaded: {place} cannot be written. Point SMD_DATA at a"
            " folder that can."
        )
    if disk.free(above) < RESERVE + coming:
        raise UserError(
            f"Nothing can be uploaded: the disk of {place} has"
            f" {disk.show(disk.free(above))} free, and {disk.show(RESERVE)} are left for"
            " trainings. Make room."
        )


def named(sent: str) -> tuple[str, str]:
    """What is kept of a file's name as its sender wrote it: (letters and digits, the type).

    Raises UserError if the type is none of SUFFIXES.
    """
    last = re.split(r"[/\\]", sent)[-1].lower()
    suffix = next(
        (each for each in sorted(SUFFIXES, key=len, reverse=True) if last.endswith(each)), ""
    )
    if not suffix:
        raise UserError(f"An upload is one of {', '.join(SUFFIXES)}: pack your images into one.")
    plain = unicodedata.normalize("NFKD", last.removesuffix(suffix)).encode("ascii", "ignore")
    stem = re.sub(r"[^a-z0-9]+", "-", plain.decode())[:LONGEST].strip("-")
    return stem or "images", suffix


def listed() -> list[Upload]:
    """All that were uploaded, the one that was used last first."""
    found = []
    with suppress(OSError):
        for path in folder().iterdir():
            with suppress(OSError):
                about = path.lstat()
                if NAME.fullmatch(path.name) and stat.S_ISREG(about.st_mode):
                    used = max(about.st_atime, about.st_mtime)
                    kept = not about.st_mode & WRITABLE
                    found.append(Upload(path, about.st_size, used, kept))
    return sorted(found, key=lambda each: -each.used)


def find(digest: str, suffix: str) -> Path | None:
    """The upload with that content, None if there is none."""
    end = f"-{digest}{suffix}"
    return next((each.path for each in listed() if each.path.name.endswith(end)), None)


def looked_at(path: str) -> None:
    """Note that an upload was used just now; of any other path nothing is noted."""
    for each in _named_by(path):
        with suppress(OSError):  # another user's; the time of change stays: imports know it
            os.utime(each.path, ns=(time.time_ns(), each.path.stat().st_mtime_ns))


def keep(path: str) -> None:
    """Note that something was started with an upload, so that it stays; any other path is left
    alone."""
    for each in _named_by(path):
        with suppress(OSError):
            each.path.chmod(each.path.stat().st_mode & ~WRITABLE)


def remove(name: str, used: Collection[str]) -> None:
    """Delete an upload; used: the paths of all runs' images. Raises UserError if a run needs it."""
    for each in listed():
        if each.path.name == name:
            if str(each.path) in used:
                raise UserError(f"A run has its images from {name}: delete the run first.")
            each.path.unlink(missing_ok=True)


def sweep(used: Collection[str]) -> None:
    """Delete what interrupted uploads have left, and uploads that nothing was started with and
    nobody looked at for DAYS; used: the paths of all runs' images."""
    leftovers.sweep(folder())
    for each in listed():
        old = time.time() - each.used > DAYS * 86_400
        if old and not each.kept and str(each.path) not in used:
            with suppress(OSError):
                each.path.unlink()


def _named_by(path: str) -> list[Upload]:
    """The upload at that path, in a list; an empty one if none is there."""
    return [each for each in listed() if str(each.path) == path]
