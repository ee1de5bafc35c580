"""Where images come from: a folder or an archive, read alike, or a file of arrays."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from smd.data import archive
from smd.data.archive import Member
from smd.errors import UserError

ARRAYS = (".npy", ".npz")
DEEPEST = 5  # parts of a path: top folder, split, class, file, and one more that is refused by name


def find(path: str) -> Path:
    """The folder, archive or file of arrays at that path; raises UserError if there is none."""
    missing = UserError(f"There is nothing at '{path}': give a folder of class folders, an archive of one, or arrays.")
    try:
        source = Path(path).expanduser().absolute()
        found = bool(path) and source.exists()
    except (OSError, RuntimeError):  # too long, in a folder that is closed to us, or ~ with a name that nobody has
        raise missing from None
    if not found:
        raise missing
    if not source.is_dir() and not source.name.lower().endswith((*archive.SUFFIXES, *ARRAYS)):
        raise UserError(f"{source} is neither a folder nor one of {', '.join((*archive.SUFFIXES, *ARRAYS))}.")
    return source


def holds_arrays(source: Path) -> bool:
    """Whether it is a file of arrays, not of image files."""
    return not source.is_dir() and source.name.lower().endswith(ARRAYS)


def members(source: Path) -> Iterator[Member]:
    """Every file and folder below the source; raises UserError if it is broken or unsafe."""
    return _folder_members(source) if source.is_dir() else archive.members(source)


def stamp(files: Iterable[Path], source: Path) -> dict[str, str | int]:
    """What changes when one of the source's files does: names, sizes and times of change."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(files):
        found = file.stat()
        digest.update(f"{file}\0{found.st_size}\0{found.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return {"source": str(source), "files": digest.hexdigest()}


def _folder_members(source: Path) -> Iterator[Member]:
    for place, folders, files in os.walk(source, followlinks=True):
        inside = Path(place).relative_to(source)
        if len(inside.parts) == DEEPEST - 1:
            folders.clear()  # nothing deeper is of use, and links may lead in circles
        folders.sort()  # the same order, and the same message, on every disk
        for name in folders:
            yield Member(f"{(inside / name).as_posix()}/", 0, bytes)
        for name in sorted(files):
            file = Path(place, name)
            yield Member((inside / name).as_posix(), 0, partial(_read, file))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.") from None
