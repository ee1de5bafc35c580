"""Why a job ended, in one line.

Also where the library that met a full disk says it in its own words.
"""

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from smd.errors import UserError

FULL = "The disk is full: free some space, then resume."
READ_ONLY = "The disk became read-only: have it repaired or mounted for writing again, then resume."
BROKEN = "The disk reports errors: see what the system's log says of it, then resume."
SENTENCES = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: READ_ONLY, errno.EIO: BROKEN}
OF_ROOM = re.compile(r"\bdisk\b|\bspace\b|\bSMD_[A-Z]+\b")
WORDS = {os.strerror(number): sentence for number, sentence in SENTENCES.items()}


def reason(error: BaseException) -> str:
    """An error in one line, as a job stores it."""
    if (
        isinstance(error, UserError)
        and isinstance(error.__cause__, OSError)
        and OF_ROOM.search(str(error))
    ):
        return str(error)  # who wrote it has seen the disk's error, and says which disk
    for each in _chain(error):
        if sentence := _of_the_disk(each):
            return sentence
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, PermissionError) and error.filename:
        return (
            f"{os.fsdecode(error.filename)} is not yours to use: ask its owner for it, or choose"
            " another folder."
        )
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, as far as nobody has said that it does not matter."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _of_the_disk(error: BaseException) -> str | None:
    if isinstance(error, OSError) and error.errno in SENTENCES:
        return SENTENCES[error.errno]
    # it knows no errno
    from_store = type(error).__module__.partition(".")[0] in ("duckdb", "_duckdb")
    return (
        next((s for words, s in WORDS.items() if words in str(error)), None) if from_store else None
    )


def read_only(folder: Path) -> bool:
    """Whether the disk of a job's folder takes nothing at present."""
    try:
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            return True
        # After an error of the disk a kernel may refuse every write and still call it writable.
        os.close(os.open(folder / "status.json", os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
    except OSError as error:
        return error.errno == errno.EROFS
    return False
