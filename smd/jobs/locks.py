"""Locks between processes, one file each; the kernel frees them however a process ends."""

import errno
import fcntl
import os
import platform
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from smd import devices
from smd.errors import UserError
from smd.paths import runs_root

POLL = 0.2  # seconds between two tries for several locks


class Lock:
    """An exclusive lock on a file, which is made if it is missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self, wait: bool = True) -> bool:
        """Take the lock; without waiting, False says that somebody else holds it."""
        if self._file is not None:
            return True
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

    def busy(self) -> bool:
        """Whether somebody holds it. Who looks keeps nobody else from looking."""
        file = self._opened()
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    @property
    def file(self) -> int:
        """The number of its open file while it is held: a process that inherits it holds the lock
        too."""
        if self._file is None:
            raise ValueError("it is not held")
        return self._file

    def inherit(self, file: int) -> bool:
        """Hold the lock by an open file that this process got from who started it; False where
        that is no file of this lock's."""
        try:
            if not os.path.samestat(os.fstat(file), self._path.stat()):
                return False
        except OSError:
            return False
        os.set_inheritable(file, False)
        self._file = file
        return True

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


class AnyLock:
    """One of several locks, whichever is free."""

    def __init__(self, locks: Sequence[Lock]) -> None:
        self._locks = locks

    def acquire(self, wait: bool = True) -> bool:
        """Take a free one; with waiting, the first once it is free."""
        return any(lock.acquire(wait=False) for lock in self._locks) or (
            wait and self._locks[0].acquire()
        )

    def release(self) -> None:
        """Give it back; does nothing if none is held."""
        for lock in self._locks:
            lock.release()


class AllLocks:
    """Several locks, all or none of them: who waits for one holds none, so nobody waits for whom
    waits."""

    def __init__(self, locks: Sequence[Lock]) -> None:
        self._locks = locks

    def acquire(self, wait: bool = True) -> bool:
        """Take all of them, and none where one is another's; with waiting, once all are free."""
        while not all(lock.acquire(wait=False) for lock in self._locks):
            self.release()
            if not wait:
                return False
            time.sleep(POLL)
        return True

    def release(self) -> None:
        """Give them back; does nothing if none is held."""
        for lock in self._locks:
            lock.release()


def slot_lock(slot: str) -> Lock:
    """The lock that lets one job at a time work at a slot, whoever's it is."""
    return Lock(shared(f"{devices.lock_name(slot)}.lock"))


def device_lock(device: str) -> AnyLock:
    """The lock of any of a device's slots: a GPU has one."""
    slots = devices.slots(device) or (devices.queue(device),)
    return AnyLock([slot_lock(slot) for slot in slots])
