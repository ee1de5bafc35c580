"""Waiting for what another process or thread does."""

import time
from collections.abc import Callable

PATIENCE = 120.0  # seconds; generous, as the machine may be busy


def until(condition: Callable[[], object], what: str = "it", pause: float = 0.01) -> None:
    """Return once the condition holds; fails where it does not within PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(pause)
