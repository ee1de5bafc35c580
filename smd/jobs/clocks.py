"""How long a job on another host has given no sign of life, where the two hosts' clocks may differ
or be set."""

import os
import platform
import threading
import time
from collections.abc import Collection
from pathlib import Path

from smd.paths import runs_root

_lock = threading.Lock()
# by folder: its last heartbeat, and when this process saw that one come
_seen: dict[Path, tuple[float, float]] = {}


def silence(folder: Path, heartbeat: float) -> float:
    """Seconds since the heartbeat in its job's folder, by the clock that makes it least.

    Asked are this host's clock; that of the disk, which all hosts on one folder share; and the one
    that nobody sets, by which this process saw the heartbeat go on. A heartbeat ahead of a clock is
    as far from it as one behind.
    """
    return min(
        abs(time.time() - heartbeat),
        abs(_age(folder / "status.json")),
        _unchanged(folder, heartbeat),
    )


def _unchanged(folder: Path, heartbeat: float) -> float:
    """Seconds for which this process has seen that very heartbeat; infinite until it has seen it go
    on."""
    with _lock:
        before, since = _seen.get(folder, (heartbeat, float("-inf")))
        if heartbeat > before:
            since = time.monotonic()
        _seen[folder] = heartbeat, since
    return time.monotonic() - since


def forget_others(kept: Collection[Path]) -> None:
    """Let go of the heartbeats of folders that are not among those."""
    with _lock:
        for gone in [folder for folder in _seen if folder not in kept]:
            del _seen[gone]


def _age(path: Path) -> float:
    """Seconds since the file was written; infinite where the disk's clock or the file cannot be
    asked."""
    hand = runs_root() / ".locks" / f"clock@{platform.node().replace('/', '-')}-{os.getuid()}"
    try:
        hand.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(hand, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        try:
            os.utime(file)  # without a time: the disk takes its own
            return os.fstat(file).st_mtime - path.stat().st_mtime
        finally:
            os.close(file)
    except OSError:
        return float("inf")
