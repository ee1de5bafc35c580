"""The IDX files of the MNIST family, packed or not, read where they lie."""

import gzip
import math
from pathlib import Path

import numpy as np

from smd.errors import UserError
from smd.files import foreign

UNSIGNED_BYTE = 8  # the type code, third byte of the header
LARGEST = 10**9  # bytes, unpacked


def read_idx(file: Path, ndim: int) -> np.ndarray:
    """The file's array, uint8 with `ndim` axes; raises UserError if it is damaged.

    Header: two zero bytes, the type, the number of axes, then each axis as a big-endian int32
    (http://yann.lecun.com/exdb/mnist).
    """
    advice, start = "delete it or download it again", 4 + 4 * ndim
    with foreign.readable(f"{file} cannot be read", advice):
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            content = stream.read(LARGEST + 1)  # of more the length is wrong
        shape = tuple(int(side) for side in np.frombuffer(content[4:start], ">i4", count=-1))
    if content[:4] != bytes((0, 0, UNSIGNED_BYTE, ndim)) or len(content) - start != math.prod(
        shape
    ):
        raise UserError(f"{file} is damaged: {advice}.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
