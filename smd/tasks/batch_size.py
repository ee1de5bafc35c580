"""The batch size of an attack job.

As asked for, or found once and kept, so that a resumed job has the same batches.
"""

import json
from pathlib import Path

from torch import Tensor, nn

from smd.config.schema import AttackConfig
from smd.data.batches import Rows
from smd.errors import UserError
from smd.evaluation import batch_size as batching
from smd.files import durable, foreign

FILE = "batch.json"
BATCHES = 4  # of a stage for each of several processes, so that all are busy to its end
FEWEST = 32  # images a batch that are found then
LARGEST = 2**20  # images; a size beyond is none that was found


def batch_size(
    folder: Path,
    config: AttackConfig,
    model: nn.Module,
    rows: Rows,
    ids: Tensor,
    processes: int = 1,
) -> int:
    """Images a batch, for a job that lies in that folder; where it is found, each of its processes
    gets several batches."""
    if config.batch:
        return config.batch
    size = _kept(folder)
    if not size:
        size = batching.find(model, rows, ids)
        if processes > 1:
            size = min(size, max(FEWEST, -(-len(ids) // (BATCHES * processes))))
        _keep(folder, size)
    return size


def smaller(folder: Path, config: AttackConfig, size: int) -> int:
    """What the job goes on with where that many images did not fit; raises UserError if the size
    was asked for."""
    if config.batch:
        raise UserError(
            f"The GPU's memory does not hold {size} images a batch: attack again with a smaller"
            " --batch."
        )
    size = batching.halved(size)
    _keep(folder, size)
    return size


def _kept(folder: Path) -> int:
    """What an earlier try has found; 0 if none has, or its file is broken."""
    try:
        size = foreign.json_object(folder / FILE, foreign.MEGABYTE).get("size")
    except (OSError, UserError):
        return 0
    return size if isinstance(size, int) and 0 < size <= LARGEST else 0


def _keep(folder: Path, size: int) -> None:
    durable.write(folder / FILE, json.dumps({"size": size}))
