"""Where images come from: a folder or an archive, read alike, or a file of arrays."""

import hashlib
import math
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from smd.data import archive, disk, names, tree
from smd.data.archive import Member
from smd.errors import UserError

ARRAYS = (".npy", ".npz")


def find(path: str) -> Path:
    """The folder, archive or file of arrays at that path; raises UserError if there is none."""
    try:
        source = Path(path).expanduser().absolute()
        mode = source.stat().st_mode if path else 0
    except PermissionError:
        raise UserError(
            f"'{path}' cannot be looked at: permission is denied, ask its owner for it."
        ) from None
    except (
        OSError,
        RuntimeError,
        ValueError,
    ):  # missing, too long, ~ with a name that nobody has, a NUL in it
        mode = 0
    if not mode:
        raise UserError(f"There is nothing at {_shown(path)}: {_instead(path)}.")
    kinds = (*archive.SUFFIXES, *ARRAYS)
    if not stat.S_ISDIR(mode) and not source.name.lower().endswith(kinds):
        raise UserError(f"{source} is neither a folder nor one of {', '.join(kinds)}.")
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise UserError(
            f"{source} is {tree.kind(mode)}, not a file: give a folder, an archive or arrays."
        )
    return source


def _shown(path: str) -> str:
    """The path in quotes, on one line and not endless."""
    line = names.visible(path)
    return f"'{line}'" if len(line) < 1000 else f"'{line[:500]} ...'"


def _instead(path: str) -> str:
    if len(path.strip()) > 2 and path.strip()[0] == path.strip()[-1] and path.strip()[0] in "'\"":
        return "leave out the quotes around it"
    return "give a folder of class folders, an archive of one, or arrays"


def holds_arrays(source: Path) -> bool:
    """Whether it is a file of arrays, not of image files."""
    return not source.is_dir() and source.name.lower().endswith(ARRAYS)


def members(source: Path, until: float = math.inf) -> Iterator[Member]:
    """Every file and folder below the source; raises UserError if it is broken or unsafe.

    until: when to stop listing by time.monotonic(); raises smd.data.archive.OutOfTime then.
    """
    return tree.members(source, until) if source.is_dir() else archive.members(source, until)


def stamp(files: Iterable[Path], source: Path, until: float = math.inf) -> dict[str, str | int]:
    """What changes when one of the source's files does: names, sizes and times of change; until: as
    in `members`."""
    digest = hashlib.blake2b(digest_size=16)
    total = 0
    for file in sorted(files):
        archive.check_time(source, until)
        status = _stat(file)
        total += status.st_size
        digest.update(
            f"{file}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape")
        )
    if source.is_dir() and total > archive.MAX_TOTAL:
        raise UserError(
            f"The images in {source} take more than {disk.show(archive.MAX_TOTAL)}: use fewer of"
            " them."
        )
    return {"source": str(source), "files": digest.hexdigest()}


def _stat(file: Path) -> os.stat_result:
    """Of the file, or of the link itself if it leads to nothing: the import names that one."""
    try:
        return file.stat()
    except PermissionError:
        raise UserError(
            f"{names.visible(str(file))} cannot be looked at: permission is denied, ask its owner"
            " for it."
        ) from None
    except OSError:
        return file.lstat()
