"""All ranks begin from rank 0's training: fresh, filled with weights, or gone on from a checkpoint
of however many ranks."""

import io

import torch
from torch import Tensor

from smd.core import rng
from smd.errors import UserError
from smd.ranks.group import current
from smd.training.checkpoints import misfit
from smd.training.loop import Training, checkpoint, restore


def join(training: Training) -> None:
    """Wait for the ranks, and give each the state of rank 0's training; alone nothing happens.

    Every rank calls it with a training that it has prepared from the same config and images; raises
    UserError where they were not the same.
    """
    group = current()
    if group.size == 1:
        return
    group.barrier()  # some still load their images
    saved = torch.zeros(0, dtype=torch.uint8)
    if not group.rank:
        saved = _packed(training)
    length = group.broadcast(torch.tensor(len(saved)))
    whole = group.broadcast(saved if not group.rank else saved.new_zeros(int(length)))
    if group.rank:
        values = torch.load(
            io.BytesIO(whole.numpy().tobytes()),
            map_location=training.info.device,
            weights_only=True,
        )
        if wrong := misfit(training, values):
            raise UserError(
                f"Rank {group.rank} has prepared another training than rank 0: {wrong}."
            )
        restore(training, values)
        # layers that draw by themselves, as dropout does, shall not draw alike on all ranks
        torch.manual_seed(rng.derived(training.config.seed, "layers", group.rank))


def _packed(training: Training) -> Tensor:
    """A checkpoint as bytes, (bytes,) uint8."""
    file = io.BytesIO()
    torch.save(checkpoint(training), file)
    return torch.frombuffer(bytearray(file.getvalue()), dtype=torch.uint8)
