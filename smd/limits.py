"""How much memory this process may take: the machine's, a control group's, or a given limit."""

import ctypes
import os
import re
import resource
from contextlib import suppress
from pathlib import Path

import psutil

from smd.errors import UserError

GIVEN = "SMD_MEMORY"  # the environment variable that holds a limit, such as 2GiB
UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
LEAST = 2**20  # bytes; a limit below is a slip of the pen
GROUPS = Path("/sys/fs/cgroup")
ARENA_MAX, PLACES = -8, 2  # of glibc's mallopt


def memory() -> int:
    """Bytes that this process may take; raises UserError if SMD_MEMORY is no size."""
    return min(known().values())


def held() -> int:
    """Bytes of it that this process holds already and cannot give back: what is not of files."""
    taken = psutil.Process().memory_info()
    return max(0, int(taken.rss) - int(getattr(taken, "shared", taken.rss)))


def told() -> str:
    """What limits the memory, in words; raises as `memory`."""
    limits = known()
    return min(limits, key=lambda name: limits[name])


def known() -> dict[str, int]:
    """What limits the memory, in words -> bytes; raises as `memory`."""
    limits = {"this machine": int(psutil.virtual_memory().total)}
    if (of_group := _of_group()) is not None:
        limits["the control group (cgroup)"] = of_group
    space = resource.getrlimit(resource.RLIMIT_AS)[0]
    if space != resource.RLIM_INFINITY:
        limits["the limit of this process (ulimit -v)"] = space
    if given := os.environ.get(GIVEN, "").strip():
        limits[GIVEN] = size(given)
    return limits


def share_memory_among_threads() -> None:
    """Let threads take memory from the same few places: with glibc each takes its own and keeps
    what it no longer needs, and a server has many that come and go."""
    with suppress(OSError, AttributeError, TypeError):  # elsewhere there is no such call
        ctypes.CDLL(None).mallopt(ARENA_MAX, PLACES)


def size(text: str, variable: str = GIVEN) -> int:
    """Bytes of a size such as 2GiB, 500MB or 1000000000, as an environment variable holds it.

    Raises UserError if it is none, or below 1 MiB.
    """
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)\s*([kmgt]i?)?b?", text.strip().lower())
    count = float(found[1]) * (UNITS | BINARY)[found[2] or ""] if found else 0.0
    if count < LEAST:
        raise UserError(f"{variable} is '{text[:40]}', which is no size: write it as 2GiB.")
    return int(count)


def _of_group() -> int | None:
    """The smallest limit of this process's control groups and those above them; None without."""
    found = [
        limit
        for folder, name in _groups()
        for above in (folder, *folder.parents)
        if above.is_relative_to(GROUPS) and (limit := _number(above / name)) is not None
    ]
    return min(found, default=None)


def _groups() -> list[tuple[Path, str]]:
    """(its folder, the file of its limit) of each control group that counts memory."""
    lines: list[str] = []
    with suppress(OSError, ValueError):
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    groups = []
    for line in lines:
        _, _, rest = line.partition(":")
        kinds, _, path = rest.partition(":")
        if not kinds:
            groups.append((GROUPS / path.lstrip("/"), "memory.max"))
        elif "memory" in kinds.split(","):
            groups.append((GROUPS / "memory" / path.lstrip("/"), "memory.limit_in_bytes"))
    return groups


def _number(file: Path) -> int | None:
    """What a control group's file says; None if there is no limit."""
    with suppress(OSError, ValueError):
        return int(file.read_text(encoding="utf-8")) or None
    return None
