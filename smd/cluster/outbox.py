"""What a node has to tell, in order, until the head says that it has it."""

import threading
from collections import deque
from typing import Any

MOST = 64  # events a look


class Outbox:
    """Numbered events; a look that is lost on its way costs none of them."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, dict[str, Any]]] = deque()
        self._count = 0
        self._changed = threading.Condition()

    def put(self, event: dict[str, Any]) -> None:
        """One more event."""
        with self._changed:
            self._count += 1
            self._events.append((self._count, event))
            self._changed.notify_all()

    def take(self, seen: int, wait: float) -> list[tuple[int, dict[str, Any]]]:
        """Those after number `seen`, the first of them; none after `wait` seconds without one. What
        is seen is forgotten."""
        with self._changed:
            while self._events and self._events[0][0] <= seen:
                self._events.popleft()
            self._changed.wait_for(lambda: bool(self._events), wait)
            return list(self._events)[:MOST]
