"""One array in NumPy's .npy format, read as a stream.

Its header first, then as many rows as are asked for.

Arrays come from anywhere: nothing is unpickled, and nothing is allocated that the header claims and
the file lacks.
"""

import io
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as layout

from smd.data import disk
from smd.data.archive import MAX_FILE
from smd.errors import UserError
from smd.files import foreign

LONGEST = 10_000  # bytes of a header, NumPy's own limit
READERS = {(1, 0): layout.read_array_header_1_0, (2, 0): layout.read_array_header_2_0}

Opener = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True)
class Stored:
    """An array as its header describes it."""

    title: str  # how messages name it
    shape: tuple[int, ...]
    dtype: np.dtype
    start: int  # where its values begin, in bytes
    opened: Opener

    @property
    def row(self) -> int:
        """Bytes of one entry along the first axis."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize


def described(title: str, size: int, opened: Opener) -> Stored:
    """What the header of an array of `size` bytes says; raises UserError if it is broken, cut off
    or unsafe."""
    with readable(title), opened() as stream:
        head = io.BytesIO(stream.read(LONGEST))
        version = layout.read_magic(head)
        if version not in READERS:
            raise UserError(
                f"{title} is stored in a form that is not for plain numbers: save it with np.save."
            )
        shape, by_columns, dtype = READERS[version](head)
    if dtype.hasobject:
        raise UserError(
            f"{title} holds Python objects, which are not safe to read: save it as numbers or"
            " strings."
        )
    if by_columns and len(shape) > 1:
        raise UserError(f"{title} is stored column by column: save np.ascontiguousarray of it.")
    if not shape or min(shape) < 0 or head.tell() + math.prod(shape) * dtype.itemsize != size:
        raise UserError(f"{title} is cut off or damaged: save or download it again.")
    return Stored(title, shape, dtype, head.tell(), opened)


def of_file(file: Path) -> Stored:
    """What the header of an .npy file says; errors are as in `described`."""
    with readable(str(file)):
        size = file.stat().st_size
    return described(str(file), size, lambda: file.open("rb"))


def whole(stored: Stored) -> np.ndarray:
    """All of a small array; raises UserError if it is not small, or is broken."""
    if stored.shape[0] * stored.row > MAX_FILE:
        raise UserError(f"{stored.title} is larger than {disk.show(MAX_FILE)}: make it smaller.")
    with readable(stored.title), stored.opened() as stream:
        stream.read(stored.start)
        return _rows(stored, stream, stored.shape[0])


def chunks(stored: Stored, rows: int) -> Iterator[np.ndarray]:
    """The array in order, at most so many entries of its first axis at once; raises UserError if it
    is broken."""
    with readable(stored.title), stored.opened() as stream:
        stream.read(stored.start)
        for begin in range(0, stored.shape[0], rows):
            yield _rows(stored, stream, min(rows, stored.shape[0] - begin))


def _rows(stored: Stored, stream: IO[bytes], count: int) -> np.ndarray:
    content = stream.read(count * stored.row)
    return np.frombuffer(content, stored.dtype).reshape(count, *stored.shape[1:])


def readable(title: str) -> AbstractContextManager[None]:
    """Turn whatever is raised within into a UserError that names what was read."""
    return foreign.readable(f"{title} cannot be read", "save or download it again")
