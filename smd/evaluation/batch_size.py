"""How many images a batch of an attack has: found by trying, where nobody has said.

Attacks spend most of their time on gradients by the pixels, so these are what is tried. What is
found holds for this network on this machine; a job keeps it, as the draws of random attacks depend
on it.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from smd.core import losses, pgd
from smd.data.batches import OnDevice
from smd.errors import UserError
from smd.evaluation.evaluate import frozen

Rate = Callable[[int], float]  # images a second with batches of that size

CPU_SIZES = (32, 64, 128, 256, 512)
GPU_FIRST = 128
# a larger batch must be so many times as quick, as a job can be stopped and saved after a batch
# only
GAIN = 1.05
# seconds a pass; an attack takes hundreds, so larger batches would keep a job from being stopped
LONG = 1.0
PATIENCE = 0.1  # seconds for the passes of one size


def find(model: nn.Module, data: OnDevice, ids: Tensor) -> int:
    """The batch size for attacks on the samples of those ids, a power of two; takes about a second.

    Raises UserError if a GPU's memory does not hold two images' gradients.
    """
    size = grown if data.labels.is_cuda else quickest
    with frozen(model):
        return size(lambda size: images_a_second(model, data, ids[:size]), len(ids))


def images_a_second(model: nn.Module, data: OnDevice, ids: Tensor) -> float:
    """How quick gradients of one batch are, by its best pass, as other work can only slow one
    down."""
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
    return next(size for size, found in rates.items() if GAIN * found >= max(rates.values()))


def _seconds(rates: dict[int, float], n: int) -> float:
    size, found = list(rates.items())[-1]
    return min(size, n) / found


def grown(rate: Rate, n: int) -> int:
    """On a GPU: doubled as long as that pays, for n samples.

    Half of what fits where memory is short.

    Attacks hold more than a gradient does, hence half. Raises UserError if not even two images fit.
    """
    size, before = GPU_FIRST, 0.0
    while (found := _fitting(rate, size)) >= GAIN * before and found and size < n:
        size, before = 2 * size, found
    if found:
        return size if found >= GAIN * before else size // 2
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
    """What to go on with where that many images did not fit; raises UserError if there is nothing
    smaller."""
    if size < 2:
        raise UserError(
            "The GPU's memory does not hold a single image's attack: free some of it, or use"
            " --device cpu."
        )
    return size // 2
