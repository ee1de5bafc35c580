"""Disks of a try's own, small or crashing.

They need root and mount; none is left when the try is over.
"""

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from tests.torture.campaign import Missing

SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN of ext4 and xfs
OWN_MOUNTS = 0x00020000  # CLONE_NEWNS
NO_LOG_FLUSH = 2  # what is not on the disk yet never gets there


def _do(*words: object) -> None:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(
            f"{words[0]} is not permitted here: {done.stderr.strip() or done.returncode}."
        )


@lru_cache(maxsize=1)
def require() -> None:
    """Raise Missing unless disks can be mounted."""
    if os.getuid() != 0:
        raise Missing("it needs root to mount a disk.")
    if shutil.which("mount") is None or shutil.which("mkfs.ext4") is None:
        raise Missing("mount or mkfs.ext4 is not installed.")


def alone() -> None:
    """Mount for this process and its children only: whatever ends it, nothing stays mounted or is
    held by others."""
    if os.getuid() == 0 and shutil.which("mount") and ctypes.CDLL(None).unshare(OWN_MOUNTS) == 0:
        _do("mount", "--make-rprivate", "/")


@contextmanager
def mounted(folder: Path, *words: object) -> Iterator[Path]:
    """Mount something there for the length of the body."""
    require()
    folder.mkdir(parents=True, exist_ok=True)
    _do("mount", *words, folder)
    try:
        yield folder
    finally:
        unmount(folder)


def unmount(folder: Path) -> None:
    """Unmount the folder, whatever holds it."""
    if subprocess.run(["umount", folder], capture_output=True, check=False).returncode:
        subprocess.run(["umount", "-l", folder], capture_output=True, check=False)


def small(folder: Path, options: str):
    """A disk in memory: "size=64k" or "nr_inodes=20"."""
    return mounted(folder, "-t", "tmpfs", "-o", options, "small")


def grow(folder: Path) -> None:
    """Give it room enough."""
    _do("mount", "-o", "remount,size=64m,nr_inodes=10000", folder)


def fill(folder: Path) -> None:
    """Use every byte that is left, by a file `ballast` there."""
    file = os.open(folder / "ballast", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with suppress(OSError):
        for size in (1 << 20, 4096, 1):
            with suppress(OSError):
                while os.write(file, b"x" * size):
                    pass
    os.close(file)


def break_down(disk: Path) -> None:
    """Let a crashing disk find an error: from now on it takes nothing, in open files neither."""
    device = next(
        line.split()[0]
        for line in Path("/proc/mounts").read_text().splitlines()
        if f" {disk} " in line
    )
    Path(f"/sys/fs/ext4/{Path(device).name}/trigger_fs_error").write_text("tried")


def repair(folder: Path) -> None:
    """What its owner does then, and mounts it again."""
    _do("umount", folder / "disk")
    subprocess.run(["e2fsck", "-fy", folder / "image"], capture_output=True, check=False)
    _do("mount", "-o", "loop", folder / "image", folder / "disk")


@contextmanager
def crashing(folder: Path, options: str) -> Iterator[Path]:
    """An ext4 of its own, mounted on folder/disk, whose power can be cut."""
    require()
    image, disk = folder / "image", folder / "disk"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    _do("mkfs.ext4", "-q", "-F", image)
    with mounted(disk, "-o", f"loop,{options}" if options else "loop", image):
        yield disk


def cut_power(disk: Path) -> None:
    """What is not on the disk by now is lost; nothing can be written or read there any more."""
    file = os.open(disk, os.O_RDONLY)
    fcntl.ioctl(file, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
    os.close(file)


def restart(folder: Path) -> None:
    """Mount folder/disk again, as after a power loss."""
    _do("umount", folder / "disk")
    _do("mount", "-o", "loop", folder / "image", folder / "disk")
