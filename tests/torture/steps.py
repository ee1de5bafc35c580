"""Kills at the n-th file operation of Python: systematic, and without a tracer.

An audit event is raised before the operation is done, so the n-th kill leaves all operations before
it and none after.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

EVENTS = {
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "torture.sync",
}
# these raise no event of their own
NAMED = ("fsync", "pwrite", "posix_fallocate", "write", "ftruncate")


def install(root: Path, meet: Callable[[int, str], None]) -> None:
    """From now on call meet(number, what) before every change of a file below root. For a forked
    child only."""
    count = 0
    inside = False

    def hook(event: str, details: Sequence[Any]) -> None:
        nonlocal count, inside
        if event not in EVENTS or inside:
            return
        inside = True
        try:
            if what := _concerns(event, details, str(root)):
                count += 1
                meet(count, what)
        finally:
            inside = False

    for name in NAMED:
        _announce(name)
    sys.addaudithook(hook)


def _announce(name: str) -> None:
    """Let a function of os that is not audited raise an event, with the file that its descriptor
    means."""
    real = getattr(os, name)

    def announced(file: int, *more: Any) -> Any:
        sys.audit("torture.sync", name, file)
        return real(file, *more)

    setattr(os, name, announced)


def _concerns(event: str, details: Sequence[Any], root: str) -> str:
    """The operation in words, "" if it changes nothing below root."""
    if event == "torture.sync":
        try:
            path = Path(f"/proc/self/fd/{details[1]}").readlink()
        except OSError:
            return ""
        return f"{details[0]} {path.name}" if str(path).startswith(root) else ""
    path = details[0]
    if isinstance(path, int) or not os.fsdecode(path).startswith(root):
        return ""
    if event == "open" and not (details[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        return ""
    return f"{event} {Path(os.fsdecode(path)).name}"


def killer(number: int) -> Callable[[int, str], None]:
    """End the process, as the kernel does, before that operation."""

    def meet(count: int, _what: str) -> None:
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return meet


def recorder(found: list[str]) -> Callable[[int, str], None]:
    """Keep the operations in words."""
    return lambda _count, what: found.append(what)


def scratch() -> Path:
    """A temporary folder on the quickest disk: a kill, unlike a power loss, cannot tell one from
    another."""
    quick = Path("/dev/shm")
    return Path(
        tempfile.mkdtemp(prefix="torture-", dir=quick if os.access(quick, os.W_OK) else None)
    )
