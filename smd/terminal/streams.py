"""What a command prints reaches whoever reads it, or is dropped quietly.

It never ends the command.
"""

import io
import os
import stat
import sys
from contextlib import suppress
from typing import TextIO


def prepare() -> None:
    """Let every print succeed: what an encoding lacks is escaped, files are UTF-8, closed streams
    are empty."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started this
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                encoding="utf-8" if _is_file(stream) else None, errors="backslashreplace"
            )


def tell(text: str) -> None:
    """A line beside the results; where nobody takes it the work goes on."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def settle() -> bool:
    """Bring out what was printed; False if nobody takes the results. The interpreter's own last try
    is quiet then."""
    taken = True
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            taken = taken and stream is not sys.stdout
            with suppress(OSError, ValueError):  # a test's own stream has no number
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return taken


def _is_file(stream: TextIO) -> bool:
    """Whether it goes to a file, as a job's log does; one who names an encoding gets that."""
    if os.environ.get("PYTHONIOENCODING"):
        return False
    with suppress(OSError, ValueError):
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    return False
