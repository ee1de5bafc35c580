"""Where the pixels of a split are while it is worked on: in memory if they fit, else on disk."""

import numpy as np
import torch

from smd import limits
from smd.data.batches import Rows, on_device
from smd.data.images import Images
from smd.data.streamed import Streamed
from smd.units import show_bytes

SHARE = 8  # a split stays in memory if it takes at most an eighth of it: three of them may, and
# networks, gradients and images under attack need the rest


def rows_of(images: Images, rows: np.ndarray, device: torch.device) -> Rows:
    """Those rows of a data set, (n,), for work on that device; raises UserError if SMD_MEMORY is no
    size."""
    if _bytes(images, rows) <= room(device)[0]:
        return on_device(images, rows, device)
    labels = torch.from_numpy(np.ascontiguousarray(images.labels[rows]).astype(np.int64))
    return Streamed(images.pixels, np.asarray(rows, np.int64), labels.to(device))


def told(images: Images, rows: np.ndarray, device: torch.device) -> str:
    """Where these rows are read from, and why, in a sentence; errors as of `rows_of`."""
    size, (has, whose) = _bytes(images, rows), room(device)
    small = size <= has
    where = "stay in memory" if small else "are read from the cache, batch by batch"
    why = "no more" if small else "more"
    return (
        f"{len(rows):,} images {where}: they take {show_bytes(size)}, {why} than an eighth of the"
        f" memory, {show_bytes(has)} by {whose}."
    )


def room(device: torch.device) -> tuple[int, str]:
    """Bytes that a split may take, and what limits them: the machine's memory, through which it
    passes, or the GPU's."""
    has, whose = limits.memory(), limits.told()
    if device.type == "cuda":
        of_gpu = int(torch.cuda.get_device_properties(device).total_memory)
        has, whose = (of_gpu, "the GPU") if of_gpu < has else (has, whose)
    return has // SHARE, whose


def _bytes(images: Images, rows: np.ndarray) -> int:
    return len(rows) * int(np.prod(images.shape, dtype=np.int64))
