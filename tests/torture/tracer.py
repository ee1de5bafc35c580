"""Kills at system calls of any thread, by strace: also those that libraries make by themselves."""

import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.torture import work
from tests.torture.campaign import Fault
from tests.torture.forked import Child

CALLS = (
    "fdatasync",
    "fsync",
    "pwrite64",
    "write",
    "rename",
    "unlink",
    "openat",
    "ftruncate",
    "fallocate",
)


def missing() -> str:
    """Why there is no tracing here; "" if there is."""
    if shutil.which("strace") is None:
        return "strace is not installed."
    done = subprocess.run(
        ["strace", "-qq", "-e", "trace=none", "true"], capture_output=True, check=False
    )
    return "" if done.returncode == 0 else "strace may not trace here."


def counted(make: Callable[[], None], folder: Path) -> dict[str, int]:
    """How often an unbroken job makes each call, in the thread that makes it most: strace counts by
    threads."""
    log = folder / "calls.txt"
    with work.places(folder / "runs"):
        _traced(make, folder / "out.txt", ["-e", f"trace={','.join(CALLS)}", "-o", str(log)])
    found: Counter[tuple[str, str]] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        if match := re.match(r"(\d+) +(\w+)\(", line):
            found[match[2], match[1]] += 1
    return {
        name: max(n for (call, _), n in found.items() if call == name)
        for name in CALLS
        if _has(found, name)
    }


def _has(found: Counter[tuple[str, str]], name: str) -> bool:
    return any(call == name for call, _ in found)


def killed(make: Callable[[], None], out: Path, call: str, number: int) -> int:
    """Do the job; at that call of any thread it is killed. Its exit status, -9 if it got there."""
    order = f"inject={call}:signal=KILL:when={number}"
    return _traced(make, out, ["-e", f"trace={call}", "-e", order, "-o", "/dev/null"])


def _traced(make: Callable[[], None], out: Path, options: list[str]) -> int:
    child = Child(make, out, held=True)
    tracing = subprocess.Popen(
        ["strace", "-f", "-qq", *options, "-p", str(child.pid)], stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 20
    while "TracerPid:\t0\n" in Path(f"/proc/{child.pid}/status").read_text():
        if time.monotonic() > end or tracing.poll() is not None:
            child.kill()
            child.wait()
            raise Fault("strace did not attach: this try says nothing")
        time.sleep(0.005)
    child.release()
    try:
        return child.wait()
    finally:
        if tracing.poll() is None:
            tracing.terminate()
        tracing.wait(20)
