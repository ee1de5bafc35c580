"""Batches for a training loop of one's own in which all classes are drawn equally often."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import Sampler

from smd.api import checks
from smd.core import rng
from smd.errors import UserError
from smd.training.balance import sampled


class BalancedBatches(Sampler[list[int]]):
    """A batch sampler that draws all classes equally often, as `--balance sampling` does.

        batches = smd.BalancedBatches(labels, batch_size=128)
        loader = DataLoader(smd.WithIds(data), batch_sampler=batches)

    - labels: (n,) whole numbers from 0, of every sample in the order of its id
    - batch_size: samples a batch; the last batch may be smaller, and each one where a class has
      fewer samples than its share: no batch has a sample twice, which `OwnLoop.step` refuses
    - seed: of the order

    An epoch has ceil(n / batch_size) batches, some n draws: samples of rare classes come several
    times, not all of the others come. Going through it is one epoch, and the next time the next;
    `set_epoch` goes to any. The order is a function of seed and epoch alone. Raises UserError for
    a bad value.
    """

    def __init__(self, labels: Tensor | Sequence[int], batch_size: int, *, seed: int = 0) -> None:
        given = torch.as_tensor(labels)
        if given.dim() != 1 or not len(given):
            shape = tuple(given.shape)
            raise UserError(f"labels have shape {shape}: give one of every sample, (n,), n >= 1.")
        self._labels = checks.whole(given, "labels", len(given)).cpu()
        if (low := int(self._labels.min())) < 0:
            raise UserError(f"labels reach from {low}: they count from 0.")
        if not isinstance(batch_size, int) or batch_size < 1:
            raise UserError(f"batch_size is {batch_size!r}: it must be at least 1.")
        self.batch_size, self.seed = batch_size, seed
        self.epoch = 0  # the next one, from 0

    def set_epoch(self, epoch: int) -> None:
        """Make the next epoch that one, counted from 0, as where a training is resumed."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self._labels) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        order = rng.generator("cpu", self.seed, "order", self.epoch)
        self.epoch += 1
        return iter([part.tolist() for part in sampled(self._labels, self.batch_size, order)])
