"""The files in a .zip, .tar, .tar.gz or .tgz, one after another, never unpacked to disk.

Archives come from anywhere: one that reaches out of its folder, holds links or devices, or would
fill the disk or the memory is refused before its content is read.
"""

import gzip
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, cast

from smd.data import disk
from smd.errors import UserError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
MAX_TOTAL = 64 * 10**9  # bytes of all files, uncompressed
MAX_FILE = 100 * 10**6  # bytes of one image file, uncompressed
MAX_MEMBERS = 2_000_000


@dataclass(frozen=True)
class Member:
    """A file or a folder in a folder or an archive."""

    path: str  # relative, with "/"; ends with "/" for a folder
    size: int  # bytes
    read: Callable[[], bytes]  # only before the next member is asked for


def members(archive: Path) -> Iterator[Member]:
    """Every file and folder of the archive in its order; raises UserError if it is broken or unsafe."""
    kind = _zip_members if archive.name.lower().endswith(".zip") else _tar_members
    limit = min(MAX_TOTAL, disk.free())
    total = 0
    with _broken_is_user_error(archive):
        for count, member in enumerate(kind(archive), 1):
            total += member.size
            if total > limit or count > MAX_MEMBERS:
                raise UserError(
                    f"{archive} would fill the disk: it unpacks to more than "
                    f"{disk.show(limit)} or {MAX_MEMBERS:,} files. Make a smaller archive."
                )
            yield member


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(archive, info.filename, "is a link or a device")
            path = _inside(archive, info.filename)
            if path:
                read = partial(_read, archive, info.filename, info.file_size, partial(opened.open, info))
                yield Member(path + "/" * info.is_dir(), info.file_size, read)


def _tar_members(archive: Path) -> Iterator[Member]:
    packed = not archive.name.lower().endswith(".tar")
    with gzip.open(archive) if packed else archive.open("rb") as stream:
        bounded = cast(IO[bytes], _Bounded(archive, cast(BinaryIO, stream)))
        with tarfile.open(fileobj=bounded, mode="r:") as opened:
            for info in opened:
                if not (info.isfile() or info.isdir()):
                    raise _refused(archive, info.name, "is a link or a device")
                path = _inside(archive, info.name)
                if path:
                    content = cast(Callable[[], IO[bytes]], partial(opened.extractfile, info))
                    read = partial(_read, archive, info.name, info.size, content)
                    yield Member(path + "/" * info.isdir(), info.size, read)


@dataclass(frozen=True)
class _Bounded:
    """A stream that never reads much at once: a tar header can claim any length for the next one."""

    archive: Path
    stream: BinaryIO

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_FILE:
            raise UserError(f"{self.archive} is refused: a header in it claims {disk.show(size)}.")
        return self.stream.read(size)

    def seek(self, position: int) -> int:
        return self.stream.seek(position)

    def tell(self) -> int:
        return self.stream.tell()


def _read(archive: Path, name: str, size: int, content: Callable[[], IO[bytes]]) -> bytes:
    if size > MAX_FILE:
        raise _refused(archive, name, f"is larger than {disk.show(MAX_FILE)}")
    with _broken_is_user_error(archive), content() as stream:
        return stream.read(size)


def _inside(archive: Path, name: str) -> str:
    """The member's path without needless parts; refuses one that leads out of the archive's folder."""
    parts = name.replace("\\", "/").split("/")
    if (not parts[0] and name) or ".." in parts or re.match("[A-Za-z]:", name):
        raise _refused(archive, name, "has a path that leaves its folder")
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _refused(archive: Path, name: str, why: str) -> UserError:
    return UserError(f"{archive} is refused: '{name}' in it {why}. Make the archive again without it.")


@contextmanager
def _broken_is_user_error(archive: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, RuntimeError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{archive} cannot be read ({error}): make or download it again.") from None
