"""Timing things against each other."""

import statistics
import time
from collections.abc import Callable, Sequence


def interleaved(functions: Sequence[Callable[[], object]], repetitions: int) -> list[float]:
    """The median seconds of each function over that many rounds, at least one.

    A round calls all of them once, so that whatever else the machine does falls on all alike; a
    first round, which warms up, is thrown away.
    """
    rounds = [[seconds(function) for function in functions] for _ in range(repetitions + 1)]
    return [statistics.median(times) for times in zip(*rounds[1:], strict=True)]


def seconds(function: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began
