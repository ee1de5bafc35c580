"""Folders that a killed import, deletion or node has left.

Found by a lock that the kernel frees, or by their age.
"""

import fcntl
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = ".importing"
WORKING = re.compile(r"\.[a-z0-9][a-z0-9-]*-[a-z0-9_]{8}")  # of smd.data.cache
# seconds; a folder without a lock is just being made, or an earlier version has left it
OLD = 86_400.0


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep a working folder from being swept while this process works in it; raises OSError."""
    descriptor = os.open(
        folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666
    )
    try:
        with suppress(OSError):  # on a disk without locks nobody else can take it either
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def sweep(root: Path, names: re.Pattern[str] = WORKING) -> None:
    """Remove the working folders in the cache, or those of such names in another place, that no
    living process holds; what cannot be removed stays."""
    with suppress(OSError):
        for folder in list(root.iterdir()):
            if names.fullmatch(folder.name) and _is_folder(folder) and _is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)


def sweep_trash(root: Path) -> None:
    """Remove what a killed deletion has left in that folder: whoever deletes takes no day."""
    with suppress(OSError):
        for folder in list(root.glob(".trash-*")):
            if _is_folder(folder) and _age(folder) > OLD:
                shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    try:
        descriptor = os.open(
            folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
    except FileNotFoundError:
        return _age(folder) > OLD
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return (folder / LOCK).exists()  # else it has been finished in between
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _is_folder(path: Path) -> bool:
    with suppress(OSError):
        return stat.S_ISDIR(path.lstat().st_mode)
    return False


def _age(folder: Path) -> float:
    """Seconds since anything in it, or its name, was changed."""
    with suppress(OSError):
        return time.time() - folder.lstat().st_ctime
    return 0.0
