"""Reading files of a run's folder, which may have come from elsewhere.

Nothing but an ordinary file of its own is read.

A link could show any file of this user's, a pipe would block for ever, a device or a huge file
would fill the memory.
"""

import json
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from smd.errors import UserError

MEGABYTE = 2**20
JSON = 16 * MEGABYTE  # the longest file of ours is an attack on chosen images: ten bytes an image
QUOTED = 200  # characters of a parser's words
LIMIT = 64 * 2**30  # of what is not read as a whole


@contextmanager
def readable(
    said: str, advice: str, quoting: bool = True, but: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Whatever a parser raises within becomes one sentence: "`said` (why): `advice`."

    A broken file makes parsers raise nearly anything. quoting: whether the sentence may have the
    parser's words, which can be out of the file; else it has the kind of error alone. but: what is
    raised as it is, as UserError always is.
    """
    try:
        yield
    except UserError:
        raise
    except but:
        raise
    except MemoryError:
        raise UserError(f"{said}, as it does not fit into this machine's memory.") from None
    except Exception as error:
        why = (str(error).splitlines() or [""])[0] if quoting else ""
        seen = "".join(sign if sign.isprintable() else "?" for sign in why[:QUOTED])
        raise UserError(f"{said} ({seen or type(error).__name__}): {advice}.") from None


def opened(path: Path, limit: int = LIMIT) -> BinaryIO:
    """An ordinary file, open for reading.

    Raises OSError if there is none, or it cannot be read now.

    Raises UserError where a link, pipe, device or folder lies there, or the file is longer than
    `limit` bytes.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        if kind := _kind(path):
            raise UserError(f"{path} {kind}.") from None
        raise
    file = os.fdopen(handle, "rb", closefd=True) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    if file is None:
        os.close(handle)
        raise UserError(f"{path} {_kind(path)}.")
    if os.fstat(handle).st_size > limit:
        file.close()
        raise UserError(
            f"{path} is larger than the {_size(limit)} that such a file may have: it is left alone."
        )
    return file


def content(path: Path, limit: int = JSON) -> bytes:
    """All of an ordinary file; errors are as in `opened`."""
    with opened(path, limit) as file:
        data = file.read(limit + 1)
    if len(data) > limit:  # it grew
        raise UserError(
            f"{path} is larger than the {_size(limit)} that such a file may have: it is left alone."
        )
    return data


def json_object(path: Path, limit: int = JSON) -> dict[str, Any]:
    """The object in a JSON file whose texts can be shown and stored; errors are as in `opened`.

    Also raises UserError where it holds anything else, NaN, a number that no float holds, a NUL or
    half a character.
    """
    try:
        values = json.loads(
            content(path, limit), parse_constant=_refuse, parse_int=whole, parse_float=_fraction
        )
        if not isinstance(values, dict):
            raise ValueError("no JSON object")
        if "\\u0000" in json.dumps(values, ensure_ascii=True):
            raise ValueError("a NUL in a text")
        json.dumps(values, ensure_ascii=False).encode()  # half a character raises
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UserError(f"{path} is broken: {why}.") from None
    return values


def refuse_link(folder: Path) -> None:
    """Raises UserError where a folder inside a run's is a link: it would lead elsewhere."""
    if folder.is_symlink():
        raise UserError(f"{folder} {_kind(folder)}.")


def refuse_other(path: Path) -> bool:
    """Whether there is an ordinary file, for those who open it by its name; errors are those of
    `opened`."""
    try:
        opened(path).close()
    except FileNotFoundError:
        return False
    return True


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def whole(digits: str) -> int:
    """The whole number that JSON has written; raises ValueError where no float holds it, as whoever
    computes with it would get an OverflowError."""
    _fraction(digits)
    return int(digits)


def _fraction(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError(f"{digits[:20]}… is too large a number")
    return number


def _size(limit: int) -> str:
    return f"{limit // MEGABYTE:,} MB"


def _kind(path: Path) -> str:
    """What is wrong with what lies there; "" if it is an ordinary file."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return ""
    for is_one, name in (
        (stat.S_ISLNK, "a link"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if is_one(mode):
            return f"is {name} and no ordinary file: remove it or restore the file"
    return (
        ""
        if stat.S_ISREG(mode)
        else "is a device and no ordinary file: remove it or restore the file"
    )
