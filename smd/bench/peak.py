"""How fast a device multiplies matrices: the yardstick for what a network makes of it."""

import torch

from smd.bench.timing import seconds

TRIES = 4


def flops_per_second(device: torch.device) -> float:
    """Floating-point operations a second, the best of several products of float32 matrices."""
    # the start of a kernel must not count
    sides = (1024, 2048) if device.type == "cpu" else (4096, 8192)
    return max(2 * side**3 / _fastest(side, device) for side in sides)


def _fastest(side: int, device: torch.device) -> float:
    """Seconds of the fastest product."""
    a, b = (torch.rand(side, side, device=device) for _ in range(2))
    # reading a number waits for all of them
    return min(seconds(lambda: float((a @ b)[0, 0])) for _ in range(TRIES))
