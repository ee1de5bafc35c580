"""Why a job ended, in one line: also where the library that met a full disk says it in its own words."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from smd.errors import UserError

FULL = "The disk is full: free some space, then resume."
READ_ONLY = "The disk became read-only: have it repaired or mounted for writing again, then resume."
BROKEN = "The disk reports errors: see what the system's log says of it, then resume."
SENTENCES = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: READ_ONLY, errno.EIO: BROKEN}
WORDS = {os.strerror(number): sentence for number, sentence in SENTENCES.items()}


def reason(error: BaseException) -> str:
    """An error in one line, as a job stores it."""
    cause = error.__cause__
    if isinstance(error, UserError) and isinstance(cause, OSError) and str(cause.strerror) in str(error):
        return str(error)  # who wrote it has seen the disk's error, and knows which disk
    for each in _chain(error):
        if sentence := _of_the_disk(each):
            return sentence
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, PermissionError) and error.filename:
        return f"{os.fsdecode(error.filename)} is not yours to use: ask its owner for it, or choose another folder."
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
    from_store = type(error).__module__.partition(".")[0] in ("duckdb", "_duckdb")  # it knows no errno
    return next((s for words, s in WORDS.items() if words in str(error)), None) if from_store else None


def read_only(folder: Path) -> bool:
    """Whether the folder's disk takes nothing at present."""
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return False
