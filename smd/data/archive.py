"""The files in a .zip, .tar, .tar.gz or .tgz, one after another, never unpacked to disk.

Archives come from anywhere: one that reaches out of its folder, holds links or devices, or would
fill the disk or the memory is refused before its content is read.
"""

import gzip
import math
import re
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, cast

from smd.data import disk, names, zipped
from smd.errors import UserError
from smd.files import foreign

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
MAX_TOTAL = 200 * 10**9  # bytes of all files, uncompressed
MAX_FILE = 150 * 10**6  # bytes of one image file, uncompressed; a volume of 256^3 float64 fits
MAX_MEMBERS = 2_000_000
# times its own size that an archive may unpack to, if that is much: images are packed already
MAX_RATIO = 200
MUCH = 10**9  # bytes
# bytes of a .zip's list of files that are read while somebody waits: well under a second
LISTED = 8 * 10**6
STEP = 2**20  # bytes that are skipped at once


@dataclass(frozen=True)
class Member:
    """A file or a folder in a folder or an archive."""

    path: str  # relative, with "/"; ends with "/" for a folder
    size: int  # bytes
    read: Callable[[], bytes]  # only before the next member is asked for


class OutOfTime(UserError):
    """The archive is not listed yet, and nobody waits for the rest."""


def members(archive: Path, until: float = math.inf) -> Iterator[Member]:
    """Every file and folder of the archive in its order.

    Raises UserError if it is broken or unsafe.

    until: when to stop by time.monotonic(); raises OutOfTime then.
    """
    kind = _zip_members if archive.name.lower().endswith(".zip") else _tar_members
    limit = min(MAX_TOTAL, disk.free())
    total, files = 0, set[str]()
    with _readable(archive):
        for count, member in enumerate(kind(archive, until), 1):
            total += member.size
            if total > limit or count > MAX_MEMBERS:
                raise _too_large(archive, limit)
            check_ratio(archive, total)
            check_time(archive, until)
            if member.path in files and not names.of_system(member.path):
                raise _refused(archive, member.path, "is there twice", "with one of each")
            if not member.path.endswith("/"):
                files.add(member.path)
            yield member


def check_ratio(archive: Path, unpacked: int) -> None:
    """Raise UserError if so many bytes out of a file of that size are a bomb rather than images."""
    if unpacked > max(MUCH, MAX_RATIO * archive.stat().st_size):
        raise UserError(
            f"{archive} is refused: {disk.show(archive.stat().st_size)} unpack to"
            f" {disk.show(unpacked)} or more. Lay its files out in a folder if they are images."
        )


def _too_large(archive: Path, limit: int) -> UserError:
    return UserError(
        f"{archive} would fill the disk: it unpacks to more than "
        f"{disk.show(limit)} or {MAX_MEMBERS:,} files. Make a smaller archive."
    )


def check_time(archive: Path, until: float) -> None:
    """Raise OutOfTime if it is later than that by time.monotonic()."""
    if time.monotonic() > until:
        raise OutOfTime(f"{archive} takes long to list: import it to see all of it.")


def _zip_members(archive: Path, until: float) -> Iterator[Member]:
    listed = zipped.directory(archive)
    if listed and listed.files > MAX_MEMBERS:
        raise _too_large(archive, min(MAX_TOTAL, disk.free()))
    if listed and listed.size > LISTED and until < math.inf:
        check_time(archive, -math.inf)
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(archive, info.filename, "is a link or a device")
            name = info.filename.replace("\\", "/")  # which some programs on Windows write
            path = _inside(archive, name)
            if path:
                read = partial(_read, archive, name, info.file_size, partial(opened.open, info))
                yield Member(path + "/" * name.endswith("/"), info.file_size, read)


def _tar_members(archive: Path, until: float) -> Iterator[Member]:
    packed = not archive.name.lower().endswith(".tar")
    with gzip.open(archive) if packed else archive.open("rb") as stream:
        bounded = _Bounded(archive, cast(BinaryIO, stream), until, packed)
        with tarfile.open(fileobj=cast(IO[bytes], bounded), mode="r:") as opened:
            for info in opened:
                if not (info.isfile() or info.isdir()):
                    raise _refused(archive, info.name, "is a link or a device")
                path = _inside(archive, info.name)
                if path:
                    content = cast(Callable[[], IO[bytes]], partial(opened.extractfile, info))
                    read = partial(_read, archive, info.name, info.size, content)
                    yield Member(path + "/" * info.isdir(), info.size, read)
            if bounded.last != bytes(tarfile.BLOCKSIZE):
                raise UserError(f"{archive} is damaged or cut off: copy or download it again.")
            stream.read(STEP)  # so that gzip comes to its end, where it checks the whole


@dataclass
class _Bounded:
    """A stream that never reads much at once: a tar header can claim any length for the next
    one."""

    archive: Path
    stream: BinaryIO
    until: float
    packed: bool  # then whatever is skipped is read
    # what was read last: zeros where the list of files ends as it should; tarfile takes any header
    # that it cannot read for the end
    last: bytes = b""

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_FILE:
            raise UserError(f"{self.archive} is refused: a header in it claims {disk.show(size)}.")
        self.last = self.stream.read(size)
        return self.last

    def seek(self, position: int) -> int:
        if self.packed:
            for stop in range(self.stream.tell() + STEP, position, STEP):
                self.stream.seek(stop)
                check_time(self.archive, self.until)
        return self.stream.seek(position)

    def tell(self) -> int:
        return self.stream.tell()


def _read(archive: Path, name: str, size: int, content: Callable[[], IO[bytes]]) -> bytes:
    if size > MAX_FILE:
        raise _refused(archive, name, f"is larger than {disk.show(MAX_FILE)}")
    with _readable(archive), content() as stream:
        return stream.read(size)


def _inside(archive: Path, name: str) -> str:
    """The member's path without needless parts; refuses one that leads out of the archive's
    folder."""
    parts = name.replace("\\", "/").split("/")
    if (not parts[0] and name) or ".." in parts or re.match("[A-Za-z]:", name):
        raise _refused(archive, name, "has a path that leaves its folder")
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _refused(archive: Path, name: str, why: str, how: str = "without it") -> UserError:
    return UserError(
        f"{archive} is refused: '{names.visible(name)}' in it {why}. Make the archive again {how}."
    )


def _readable(archive: Path) -> AbstractContextManager[None]:
    return foreign.readable(f"{archive} cannot be read", "make or download it again")
