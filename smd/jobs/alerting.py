"""Alerts when a job ends, where SMD_ALERTS names who is told.

A process of its own sends them (smd.sinks.alerts): none can stop, delay or break a job or the
queue.
"""

import os
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

from smd import children
from smd.files import durable

VARIABLE = "SMD_ALERTS"
PATIENCE = 60.0  # seconds that the sending may take


def tell(folder: Path) -> None:
    """Have all be told how the job in that folder stands; returns at once, and the process ends
    after the sending. A failure is a line in the job's log."""
    if os.environ.get(VARIABLE, "").strip():
        threading.Thread(target=_tell, args=(folder,), name="alert").start()


def _tell(folder: Path) -> None:
    try:
        done = subprocess.run(
            children.command("smd.sinks.alerts", str(folder)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            cwd=children.FOLDER,
            env=children.environment(),
            check=False,
        )
        said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        failed = said if done.returncode else ""
    except subprocess.TimeoutExpired:
        failed = f"it took longer than {PATIENCE:.0f} s"
    except OSError as error:
        failed = str(error.strerror)
    if failed:
        # the folder may be deleted by now, or the disk full
        with suppress(OSError), durable.appending(folder / "log.txt") as log:
            log.write(f"The alert was not sent: {failed}\n".encode())
