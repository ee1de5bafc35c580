"""A .zip of tensors, as torch.save and torch.export.save write it: listed and bounded."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from smd.data import zipped
from smd.errors import UserError
from smd.files import foreign
from smd.weights.limits import HOW, LARGEST, MEMBERS, Unfit

MAGIC = b"PK\x03\x04"


@contextmanager
def listed(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, open; each file in it is as long as it says and stands in it uncompressed.

    Raises UserError where it is broken, lists too many files, or is compressed: torch compresses
    nothing, and what is compressed can be any number of times larger than its file. Raises OSError
    if there is no such file.
    """
    with foreign.opened(path, LARGEST) as file, readable(path):
        claimed = zipped.directory(path)
        if claimed is None or claimed.files > MEMBERS:
            raise UserError(f"{path} is damaged or cut off: save or download it again.")
        with zipfile.ZipFile(file) as archive:
            _refuse_bomb(path, archive, file)
            yield archive


def _refuse_bomb(path: Path, archive: zipfile.ZipFile, file: BinaryIO) -> None:
    members = archive.infolist()
    size = file.seek(0, io.SEEK_END)
    if len({member.filename for member in members}) < len(members):
        raise UserError(f"{path} lists a file twice: it is damaged or a trick, and is left alone.")
    if any(member.filename.endswith("/constants.pkl") for member in members):
        raise UserError(
            f"{path} is TorchScript, whose code would run: load it where you trust it and save its"
            f" weights alone: {HOW}, or the network with torch.export.save."
        )
    if any(member.compress_type != zipfile.ZIP_STORED for member in members) or (
        sum(member.file_size for member in members) > size
    ):
        raise UserError(
            f"{path} is a compressed archive, and not one that torch wrote: unpack it, or save its"
            " weights with torch.save or as safetensors."
        )


def repacked(archive: zipfile.ZipFile) -> io.BytesIO:
    """The same files in an archive of our own writing: torch reads what was checked, where another
    reader of .zip could find another list in the same bytes."""
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as target:
        for member in archive.infolist():
            target.writestr(zipfile.ZipInfo(member.filename), archive.read(member))
    copy.seek(0)
    return copy


def member(archive: zipfile.ZipFile, name: str, limit: int = LARGEST) -> bytes:
    """A file below the archive's only folder; raises KeyError without one, ValueError if it is
    longer than `limit`."""
    root = archive.namelist()[0].split("/")[0]
    entry = archive.getinfo(f"{root}/{name}")
    if entry.file_size > limit:
        raise ValueError(f"{name} is too long")
    return archive.read(entry)


def names(archive: zipfile.ZipFile) -> set[str]:
    """The files in the archive without its folder."""
    return {name.partition("/")[2] for name in archive.namelist()}


def readable(path: Path) -> AbstractContextManager[None]:
    """Turn what a damaged file makes parsers raise into a UserError that names the file."""
    return foreign.readable(
        *(f"{path} is damaged or of another kind", "save or download it again"),
        but=(Unfit, FileNotFoundError, PermissionError),
    )
