"""The quick evaluation after every epoch: accuracy under a short PGD (paper, Fig. 8)."""

from collections.abc import Callable
from typing import NamedTuple, cast

import torch
from torch import nn

from smd.config.schema import TrainConfig
from smd.core import losses, pgd, rng
from smd.core.lp import Norm, uniform
from smd.core.precision import computing
from smd.core.predicted import predicted
from smd.data.batches import Rows, in_order, looked_at
from smd.training import monitor_size


class Metric(NamedTuple):
    """One number of an epoch, a row of the store."""

    split: str
    name: str
    eps: float  # noise level in [0, 1]; 0 where it means nothing
    value: float


def robust_accuracies(
    model: nn.Module,
    data: Rows,
    split: str,
    config: TrainConfig,
    n_train: int,
    alive: Callable[[], None],
) -> list[Metric]:
    """Accuracy on some samples of a split under PGD at the two largest watched noise levels.

    How many: smd.training.monitor_size. The network is put in eval mode and back. Clean accuracy
    and loss are measured on the validation split alone: on training images the steps have done so.
    """
    training = model.training
    model.eval()
    n_clean, n = monitor_size.images(n_train, len(data), data.shape)
    # as all that judges, whatever the training's precision and the process allow
    with computing("float32", data.labels.device):
        metrics = _clean(model, data, split, n_clean) if split != "train" else []
        for eps in config.levels[-2:]:
            right = _under_pgd(model, data, n, eps, config, alive)
            metrics.append(Metric(split, "accuracy", eps, right))
    model.train(training)
    return metrics


@torch.no_grad()
def _clean(model: nn.Module, data: Rows, split: str, n: int) -> list[Metric]:
    right = total = torch.zeros((), device=data.labels.device)
    for batch in in_order(data, looked_at(data.shape), n):
        logits = model(batch.x)
        right = right + (predicted(logits) == batch.y).sum()
        total = total + losses.ce(logits, batch.y).sum()
    return [
        Metric(split, "accuracy", 0.0, float(right) / n),
        Metric(split, "loss_clean", 0.0, float(total) / n),
    ]


def _under_pgd(
    model: nn.Module,
    data: Rows,
    n: int,
    eps: float,
    config: TrainConfig,
    alive: Callable[[], None],
) -> float:
    right = torch.zeros((), device=data.labels.device)
    generator = rng.generator(data.labels.device, config.seed, "monitor")
    norm = cast(Norm, config.norm)
    for batch in in_order(data, looked_at(data.shape), n):
        radii = torch.full((len(batch.y),), eps, device=batch.x.device)
        start = uniform(batch.x, radii, norm, generator)
        _, logits = pgd.last_iterate(
            model, losses.ce, batch.x, batch.y, radii, radii / 4, monitor_size.STEPS, norm, start
        )
        right = right + (predicted(logits) == batch.y).sum()
        alive()
    return float(right) / n
