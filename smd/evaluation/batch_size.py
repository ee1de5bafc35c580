"""The batch size of an attack, measured where none is given.

Attacks spend most of their time on gradients by the pixels, so these are timed. The size suits this
network on this machine; a job keeps it, as the draws of random attacks depend on it.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from smd.core import losses, pgd
from smd.data.batches import Rows
from smd.errors import UserError
from smd.nets.modes import frozen

Rate = Callable[[int], float]  # images a second with batches of that size

CPU_SIZES = (32, 64, 128, 256, 512)
GPU_FIRST = 128
GAIN = 1.05  # a larger batch must be so much quicker, as jobs can stop after a batch only
LONG = 1.0  # seconds of a pass, of which an attack takes hundreds before a job can stop
PATIENCE = 0.1  # seconds of passes with one size


def find(model: nn.Module, data: Rows, ids: Tensor) -> int:
    """The batch size for attacks on those samples, a power of two; takes about a second.

    Raises UserError if a GPU's memory does not hold two images' gradients.
    """
    size = grown if data.labels.is_cuda else quickest
    with frozen(model):
        return size(lambda size: images_a_second(model, data, ids[:size]), len(ids))


def images_a_second(model: nn.Module, data: Rows, ids: Tensor) -> float:
    """Gradients a second in one batch, by its best pass, as other work can only slow one down."""
    batch = data.take(ids)
    taken: list[float] = []
    while len(taken) < 2 or sum(taken) < PATIENCE:
        began = time.perf_counter()
        _, gradient = pgd.input_gradient(model, losses.ce, batch.x, batch.y)
        gradient.sum().item()  # waits for a GPU
        taken.append(time.perf_counter() - began)
    return len(ids) / min(taken[1:])  # the first pass sets things up


def quickest(rate: Rate, n: int) -> int:
    """On a CPU: the smallest of CPU_SIZES that is nearly as quick as any, for n samples."""
    rates: dict[int, float] = {}
    for size in CPU_SIZES:
        if rates and (size >= 2 * n or _seconds(rates, n) > LONG):
            break
        rates[size] = rate(size)
    return next(size for size, reached in rates.items() if GAIN * reached >= max(rates.values()))


def _seconds(rates: dict[int, float], n: int) -> float:
    size, reached = list(rates.items())[-1]
    return min(size, n) / reached


def grown(rate: Rate, n: int) -> int:
    """On a GPU: doubled as long as that pays, for n samples; half of what fits in a short memory.

    Half, as attacks hold more than a gradient does. Raises UserError if two images do not fit.
    """
    size, before = GPU_FIRST, 0.0
    while (reached := _fitting(rate, size)) >= GAIN * before and reached and size < n:
        size, before = 2 * size, reached
    if reached:
        return size if reached >= GAIN * before else size // 2
    while size > 1 and not _fitting(rate, size // 2):
        size //= 2
    return halved(size // 2)


def _fitting(rate: Rate, size: int) -> float:
    """The rate at that size, 0 if memory does not hold it."""
    try:
        return rate(size)
    except torch.OutOfMemoryError:
        pass  # its traceback holds the tensors
    torch.cuda.empty_cache()
    return 0.0


def halved(size: int) -> int:
    """The next smaller size where memory does not hold that many images; UserError below 1."""
    if size < 2:
        raise UserError(
            "The GPU's memory does not hold a single image's attack: free some of it, or use"
            " --device cpu."
        )
    return size // 2
