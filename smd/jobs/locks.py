"""Locks between processes, one file each; the kernel frees them however a process ends."""

import errno
import fcntl
import os
import platform
import re
from contextlib import suppress
from pathlib import Path

from smd import devices
from smd.errors import UserError
from smd.paths import runs_root


class Lock:
    """An exclusive lock on a file, which is made if it is missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self, wait: bool = True) -> bool:
        """Take the lock; without waiting, False says that somebody else holds it."""
        file = self._opened()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(file)
            return False
        except BaseException:
            os.close(file)
            raise
        self._file = file
        return True

    def _opened(self) -> int:
        """Its file, not inherited by the processes we start.

        In a folder from elsewhere it may be anything.

        Another user's is locked without writing to it.
        """
        flags = os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            # as the umask lets: runs may be shared
            return os.open(self._path, flags | os.O_RDWR | os.O_CREAT, 0o666)
        except PermissionError:
            if not self._path.is_file():
                raise
            return os.open(self._path, flags | os.O_RDONLY)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise UserError(
                    f"{self._path} is no ordinary file: remove it, it did not come from here."
                ) from None
            raise

    def release(self) -> None:
        """Give the lock back; does nothing if it is not held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def own(name: str) -> Path:
    """A path in the folder of what the processes of this user on this host share; raises
    OSError."""
    return _folder() / _named(name, f"{platform.node()}-{os.getuid()}")


def shared(name: str) -> Path:
    """A path there of a file that all users on this host may lock, as its devices are theirs;
    raises OSError."""
    path = _folder() / _named(name, platform.node())
    with suppress(FileExistsError):
        file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o666)
        os.fchmod(file, os.fstat(file).st_mode & 0o666 | 0o444)  # to read it is enough for a lock
        os.close(file)
    return path


def _folder() -> Path:
    """The folder of locks, open to everybody to whom that of the runs is."""
    root = runs_root()
    folder = root / ".locks"
    if not folder.is_dir():
        root.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir()
            folder.chmod(root.stat().st_mode & 0o7777)
    return folder


def _named(name: str, owner: str) -> str:
    stem, dot, ending = name.replace(":", "-").rpartition(".")
    return f"{stem}@{re.sub(r'[^A-Za-z0-9._-]', '-', owner)}{dot}{ending}"


def device_lock(device: str) -> Lock:
    """The lock that lets one job at a time use a device."""
    return Lock(shared(f"{devices.queue(device)}.lock"))
