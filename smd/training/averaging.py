"""Weight averaging: an exponential moving average of the weights beside those that are trained."""

from collections.abc import Iterator
from contextlib import closing

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from smd.core import rng
from smd.data.batches import Rows

DECAY = 0.999  # of what was averaged so far, at each step


def decay_at(steps: int) -> float:
    """The decay when so many steps were averaged, in [0.1, DECAY].

    A constant one would leave the first weights in the average of a short run: 0.999 needs
    thousands of steps to forget them. So it rises, as that of TensorFlow's
    ExponentialMovingAverage(num_updates) does; the average is over about the last tenth of the
    steps until DECAY is reached, near step 9,000.
    """
    return min(DECAY, (1 + steps) / (10 + steps))


def begin(model: nn.Module) -> AveragedModel:
    """An average of no step yet; the first step's weights become the first average."""
    return AveragedModel(model)


def update(averaged: AveragedModel, model: nn.Module) -> None:
    """Enter the weights after a step; batch-norm statistics follow the model's own."""
    # counted on the CPU, so that no GPU is waited for
    averaged.multi_avg_fn = get_ema_multi_avg_fn(decay_at(int(averaged.n_averaged)))
    averaged.update_parameters(model)


def weights(averaged: AveragedModel) -> dict[str, Tensor]:
    """The averaged weights under the names that the network itself gives them."""
    return {name: value.detach() for name, value in averaged.module.state_dict().items()}


def renew_statistics(model: nn.Module, data: Rows, size: int, seed: int) -> None:
    """Take batch-norm statistics anew from the clean images, `size` a batch; others stay.

    Without them averaged weights would work with the statistics of the last ones (Izmailov et al.
    2018, Sec. 3.2).
    """
    update_bn(_batches(data, size, seed), model)
    model.eval()


def _batches(data: Rows, size: int, seed: int) -> Iterator[Tensor]:
    """Every image once, as all batches count alike without the rest that fills none."""
    order = torch.randperm(len(data), generator=rng.generator("cpu", seed, "statistics"))
    parts = order.to(data.labels.device).split(size)
    full = [part for part in parts if len(part) == min(size, len(data))]
    with closing(data.batches(full)) as batches:
        for batch in batches:
            yield batch.x
