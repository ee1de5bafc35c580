"""Alerts when a job ends, where SMD_ALERTS names who is told.

A process of its own sends them (smd.sinks.alerts) and writes into the job's log where it cannot: no
alert can stop, delay or break a job or the queue.
"""

import os
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

from smd import children, jobs
from smd.files import durable

VARIABLE = "SMD_ALERTS"
ENDED = ("finished", "failed", "cancelled", "lost")


def tell(folder: Path) -> None:
    """Have all be told how the job in that folder has ended; returns at once. Does nothing for a
    job that has not."""
    if not os.environ.get(VARIABLE, "").strip() or jobs.read(folder).state not in ENDED:
        return
    # the folder may be deleted by now, or the disk full
    with suppress(OSError), durable.appending(folder / "log.txt") as log:
        process = subprocess.Popen(
            children.command("smd.sinks.alerts", str(folder)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
            cwd=children.FOLDER,
            env=children.environment(),
        )
        threading.Thread(target=process.wait, daemon=True).start()  # leaves no zombie behind
