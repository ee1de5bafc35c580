"""What a job on a node has written since the last look: its log, its progress, its files."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smd import jobs
from smd.cluster import parcels
from smd.runs.folders import Run

AGAIN = 5.0  # seconds between two copies of a file that changes all the time
PROGRESS = ("stage", "done", "total", "batch", "batches", "rate", "eta")


class Watch:
    """Hands each change on as an event, in this order: lines, progress, file."""

    def __init__(self, run: Run, folder: Path, tell: Callable[[dict[str, Any]], None]) -> None:
        self._run, self._folder, self._tell = run, folder, tell
        self._read = 0  # bytes of the log
        self._progress: dict[str, Any] = {}
        self._sent = {name: _stamp(path) for name, path in parcels.made(run, folder)}
        self._moments: dict[str, float] = {}

    def look(self, everything: bool = False) -> None:
        """Tell what is new; everything: also of files that were sent a moment ago."""
        self._log()
        status = jobs.stored(self._folder)
        progress = {name: getattr(status, name) for name in PROGRESS}
        if progress != self._progress:
            self._progress = progress
            self._tell({"kind": "progress", **progress})
        for name, path in parcels.made(self._run, self._folder):
            stamp, now = _stamp(path), time.monotonic()
            fresh = now - self._moments.get(name, float("-inf")) < AGAIN
            if stamp != self._sent.get(name) and (everything or not fresh):
                self._sent[name], self._moments[name] = stamp, now
                self._tell({"kind": "file", "name": name, "content": parcels.read(path)})

    def _log(self) -> None:
        with (self._folder / "log.txt").open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        if newline:
            self._read += len(whole) + 1
            self._tell({"kind": "lines", "lines": whole.decode(errors="replace").splitlines()})


def _stamp(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_mtime_ns, about.st_ino
