"""Room for a job's last status, kept from its start.

On a full disk it is the only room that is left.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from smd.files import durable

FILE = "status.reserve"
SIZE = 8192  # bytes; a status with an error of LONGEST characters fits
LONGEST = 600  # characters of an error, each up to twelve bytes in JSON


def keep(folder: Path) -> None:
    """Set the room aside, unless it is. Raises OSError where the disk has not even that."""
    path = folder / FILE
    with suppress(OSError):
        if stat.S_ISREG(path.lstat().st_mode) and path.lstat().st_size == SIZE:
            return
    durable.write(path, b" " * SIZE)  # written, not only asked for: a hole would need room later


def release(folder: Path) -> None:
    """Give the room back; it is never missed."""
    with suppress(OSError):
        (folder / FILE).unlink()


def write(path: Path, content: str) -> None:
    """Replace a file of at most SIZE bytes as a whole, at need by what was kept beside it.

    Raises OSError.

    Without room for a new file the kept one is filled and takes the name; without a kept one the
    file itself is filled, which needs no room as long as its last page has some.
    """
    try:
        durable.write(path, content)
    except OSError as error:
        for place in (path.with_name(FILE), path):
            with suppress(OSError):
                _fill(place, content.encode())
                place.replace(path)
                return
        raise error


def _fill(path: Path, content: bytes) -> None:
    """Overwrite a file in place; what is longer than its present pages is refused by the disk, not
    half written."""
    file = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
            raise OSError("it is no file of its own")
        padded = content.ljust(max(about.st_size, len(content)))
        os.posix_fallocate(file, 0, len(padded))
        os.pwrite(file, padded, 0)
        os.fsync(file)
    finally:
        os.close(file)
