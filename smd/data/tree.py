"""The files below a folder.

Each is looked at before it is opened, and what is no ordinary file is never read.

A class folder comes from anywhere: it may hold pipes, which would wait for ever, devices without an
end, links to nothing, or links that lead in circles.
"""

import math
import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from smd.data import disk, names
from smd.data.archive import MAX_FILE, Member, check_time
from smd.errors import UserError

DEEPEST = 16  # parts of a path; deeper folders are refused by name
LINKED = 3  # parts of a path down to where links to folders are followed: top folder, split, class


def members(source: Path, until: float = math.inf) -> Iterator[Member]:
    """Every file and folder below the source, in the same order on every disk.

    until: when to stop by time.monotonic(); raises smd.data.archive.OutOfTime then. Raises
    UserError if a folder may
    not be listed: what is in it would be lost without a word.
    """
    yield from _below(source, PurePosixPath(), until)


def _below(source: Path, inside: PurePosixPath, until: float) -> Iterator[Member]:
    place = source / inside
    folders, files = _listed(place, until)
    if folders and len(inside.parts) >= DEEPEST:
        raise UserError(
            f"{names.visible(str(place / folders[0]))} lies more than {DEEPEST} folders deep: move"
            " it up."
        )
    back = {name for name in folders if _leads_back(place / name, len(inside.parts) + 1)}
    inner = sorted(set(folders) - back)
    for name in inner:
        yield Member(f"{(inside / name).as_posix()}/", 0, bytes)
    for name in sorted([*files, *back]):  # such a link counts as a file, which is no image
        yield Member((inside / name).as_posix(), 0, partial(read, place / name))
        check_time(source, until)
    for name in inner:
        yield from _below(source, inside / name, until)


def _listed(place: Path, until: float) -> tuple[list[str], list[str]]:
    """The names of the folders, and links to folders, in one and those of its files."""
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                (folders if _is_folder(entry) else files).append(entry.name)
                check_time(place, until)
    except OSError as error:
        _refuse(error)
    return folders, files


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that cannot be followed
        return False


def read(file: Path) -> bytes:
    """The content of an ordinary file; raises UserError if it is none, is too large, or cannot be
    read."""
    try:
        check(file, file.stat())
        # should it be a pipe by now
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            check(file, os.fstat(descriptor))
            return stream.read(MAX_FILE)
    except OSError as error:
        raise UserError(f"{names.visible(str(file))} {_why(file, error)}.") from None


def check(file: Path, status: os.stat_result) -> None:
    """Raise UserError unless it is an ordinary file of a size that an image can have."""
    if not stat.S_ISREG(status.st_mode):
        raise UserError(
            f"{names.visible(str(file))} is {kind(status.st_mode)}, not an image: remove it."
        )
    if status.st_size > MAX_FILE:
        raise UserError(
            f"{names.visible(str(file))} is larger than {disk.show(MAX_FILE)}"
            f" ({disk.show(status.st_size)}): remove it."
        )


def kind(mode: int) -> str:
    """What is no ordinary file, in words."""
    names = {
        stat.S_ISFIFO: "a named pipe",
        stat.S_ISSOCK: "a socket",
        stat.S_ISDIR: "a folder",
        stat.S_ISCHR: "a device",
        stat.S_ISBLK: "a device",
    }
    return next((name for test, name in names.items() if test(mode)), "no ordinary file")


def _why(file: Path, error: OSError) -> str:
    if file.is_symlink() and isinstance(error, FileNotFoundError):
        return "is a link to nothing: remove it"
    if isinstance(error, PermissionError):
        return "cannot be read: permission is denied, ask its owner for it"
    return f"cannot be read: {error.strerror}"


def _refuse(error: OSError) -> None:
    why = (
        "permission is denied, ask its owner for it"
        if isinstance(error, PermissionError)
        else error.strerror
    )
    raise UserError(f"The folder {names.visible(str(error.filename))} cannot be listed: {why}.")


def _leads_back(folder: Path, depth: int) -> bool:
    """Whether it is a link that lies within a class, or one to a folder that it lies in itself."""
    if not os.path.islink(folder):  # noqa: PTH114 - Path's own raises where one may list but not enter
        return False
    return depth > LINKED or folder.parent.resolve().is_relative_to(folder.resolve())
