"""Whether a finished training has what it ended for.

Whole weights, told by their header and without torch.
"""

import json
import os
import stat
from pathlib import Path

WEIGHTS = "model.safetensors"
LENGTH = 8  # bytes that say how long the header is
LONGEST = 100_000_000  # bytes of a header, as the format has it
EMPTIED = (
    "Its weights are broken, as after a power loss: resume it to write them again from its last"
    " checkpoint."
)


def emptied(folder: Path) -> bool:
    """Whether the weights are there but without a beginning, as a power loss leaves them. Cheap."""
    try:
        size, header = _header(folder / WEIGHTS)
    except OSError:
        return False  # gone, or not ours to look at: nothing is known
    return not 2 <= header <= min(LONGEST, size - LENGTH)


def whole(folder: Path) -> bool:
    """Whether the weights are there with all the bytes that their header tells of."""
    try:
        size, length = _header(folder / WEIGHTS)
        if not 2 <= length <= min(LONGEST, size - LENGTH):
            return False
        with (folder / WEIGHTS).open("rb") as file:
            file.seek(LENGTH)
            header = json.loads(file.read(length))
        return size == LENGTH + length + max(
            v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"
        )
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return False


def repairable(folder: Path) -> bool:
    """Whether the weights are broken, or gone while the checkpoint is there to write them again."""
    weights, checkpoint = ((folder / name).is_file() for name in (WEIGHTS, "last.pt"))
    return (weights or checkpoint) and not whole(folder)


def _header(path: Path) -> tuple[int, int]:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            raise OSError("it is no ordinary file")
        return about.st_size, int.from_bytes(os.read(file, LENGTH), "little")
    finally:
        os.close(file)
