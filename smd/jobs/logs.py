"""The end of a job's log, without reading the whole file."""

import os
from pathlib import Path

from smd.errors import UserError
from smd.files import foreign

CHUNK = 64 * 1024  # bytes read from the end


def tail(path: Path, lines: int = 40, start: int = 0) -> list[str]:
    """The last non-empty lines of a log, after byte `start`.

    None if there is no log, the reason if it is no file.

    Of a progress bar that redraws itself with carriage returns only the last state is kept.
    """
    try:
        with foreign.opened(path) as file:
            size = file.seek(0, os.SEEK_END)
            begin = max(start, size - CHUNK)
            file.seek(begin)
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    except UserError as error:
        return [str(error)]
    rows = text.split("\n")
    if begin > start and len(rows) > 1:
        rows = rows[1:]  # the first is cut
    shown = [row.rstrip("\r").rpartition("\r")[2].rstrip() for row in rows]
    return [row for row in shown if row][-lines:]
