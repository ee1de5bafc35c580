"""Own images, imported by a process of its own (smd.data.importing) that the caller watches."""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from smd import children
from smd.data import sources, table
from smd.data.request import Progress
from smd.data.validation import Unusable
from smd.errors import UserError

COMMAND = children.command("smd.data.importing")
STALL = 300.0  # seconds without a sign of life
TICK = 0.5  # seconds between two calls of the one that watches, who may raise to end it
ENDING = 5.0  # seconds to end by itself, or to take away what is half done
CHUNK = 2**16  # bytes
WHY = {
    signal.SIGBUS: (
        "the disk of the cache is full or fails: make room, or point SMD_CACHE at another"
    ),
    signal.SIGKILL: (
        "most likely memory ran out: close other programs, or make smaller files of the images"
    ),
}
CRASHED = (
    "most likely one of the files crashes what reads it: leave out those that you do not trust"
)

Process = subprocess.Popen[bytes]


def load(progress: Progress, **arguments: Any) -> str:
    """The key in the cache of the images that smd.data.load finds for its `arguments` beside data
    and progress.

    progress is called every TICK at least; what it raises ends the import. Raises UserError as
    smd.data.load does, and where the process dies or stalls.
    """
    # the process works in another folder
    arguments["path"] = str(sources.find(arguments["path"]))
    if arguments.get("labels"):
        arguments["labels"] = str(table.find(arguments["labels"]))
    with _running() as process:
        answer = _watched(process, json.dumps(arguments).encode(), progress)
        if not answer:
            with suppress(subprocess.TimeoutExpired):
                process.wait(ENDING)
    if "key" in answer:
        return str(answer["key"])
    if "error" not in answer:
        raise UserError(_died(process.returncode))
    if "sentences" in answer:
        raise Unusable(answer["sentences"], answer["broken"], answer["odd"])
    raise UserError(answer["error"])


@contextmanager
def _running() -> Iterator[Process]:
    """The process, which is over at the end whatever happens."""
    process = subprocess.Popen(
        COMMAND,
        cwd=children.FOLDER,
        env=children.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                _there(pipe).close()


def _watched(process: Process, request: bytes, progress: Progress) -> dict[str, Any]:
    """The last line that the process says; {} if it ends without one."""
    with suppress(BrokenPipeError):
        _there(process.stdin).write(request)
        _there(process.stdin).close()
    out, left, last, heard = (
        _there(process.stdout).fileno(),
        b"",
        ("Reading the images", 0.0),
        time.monotonic(),
    )
    while True:
        if select.select([out], [], [], TICK)[0]:
            read = os.read(out, CHUNK)
            if not read:
                return {}
            *lines, left = (left + read).split(b"\n")
            for line in map(json.loads, lines):
                if "text" not in line:
                    return dict(line)
                last, heard = (str(line["text"]), float(line["part"])), time.monotonic()
                progress(*last)
            continue
        if time.monotonic() > heard + STALL:
            raise UserError(
                f"The import has stood still for {STALL / 60:g} minutes and was ended: the disk"
                " does not answer, or a file takes for ever to read."
            )
        progress(*last)


def _there(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # it was asked for
    return pipe


def _died(code: int) -> str:
    if code >= 0:
        return "The import ended with an error of its own: the terminal of the dashboard shows it."
    name = signal.Signals(-code).name
    return (
        f"The process that imports the images was ended by {name}:"
        f" {WHY.get(signal.Signals(-code), CRASHED)}."
    )
