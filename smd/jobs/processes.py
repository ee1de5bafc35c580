"""Which process a number meant: told by what a step of the clock does not move.

On Linux that is the machine's boot and the ticks from it to the process's start; psutil's start
time is computed from the wall clock there, and moves whenever that is set.
"""

import platform
from pathlib import Path

import psutil

BOOT = Path("/proc/sys/kernel/random/boot_id")
# the field of /proc/<pid>/stat after the name's closing bracket: start, in ticks since the boot
START = 19


def boot() -> str:
    """What tells this run of the machine from every other; raises OSError where none is told."""
    return BOOT.read_text(encoding="utf-8").strip()


def identity(pid: int) -> str:
    """What tells the living process with that number from any other that ever had or gets it; "" if
    there is none."""
    try:
        if platform.system() == "Linux":
            after = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            return f"{boot()}:{pid}:{int(after[START])}"
        return f"{pid}:{psutil.Process(pid).create_time():.3f}"
    except (OSError, ValueError, IndexError, psutil.Error):
        return ""
