"""The other ranks of a training, each on a node of its own, as the head sees them.

Where one is gone the training cannot go on. The head hears of it here within seconds, also where
the first rank hangs in an exchange, lets all nodes go and begins again with others.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from smd.cluster import orders
from smd.cluster.hands import Hand, Lost
from smd.errors import UserError
from smd.runs.folders import Run

LOOK = 1.0  # seconds between two looks at them
LEAVING = 5.0  # seconds in which a rank tells its own reason, where it has one
LONGEST = 4000  # characters of a line


class Others:
    """The ranks 1, 2, ... of a training, on the helpers of the node that has rank 0; none before
    they have begun."""

    def __init__(self, first: Hand, line: Callable[[str], None]) -> None:
        """line: takes a line of the log."""
        self._first, self._line = first, line
        self._seen = dict[int, int]()  # rank that has not ended -> its last event
        self._looked, self._found = 0.0, 0.0  # when they were looked at, and trouble was found
        self._trouble: Lost | UserError | None = None

    def begin(self, order: Mapping[str, Any], run: Run) -> dict[str, Any]:
        """Start them; returns what the first rank's order says of them."""
        first, size = self._first, 1 + len(self._first.helpers)
        port = int(first.call("meet", first.address))
        place = {"size": size, "host": first.address, "port": port}
        light = orders.of_rank(order, run)
        for rank, hand in enumerate(first.helpers, start=1):
            own = light | {"config": order["config"] | {"device": hand.device}}
            hand.call("follow", own, place | {"rank": rank, "address": hand.address})
            self._seen[rank] = 0
        return {"size": size}

    def look(self) -> None:
        """Raises Lost where one is gone, UserError where one cannot go on, LEAVING seconds after it
        was found: sooner the first rank may tell why they all have ended."""
        if time.monotonic() - self._looked >= LOOK:
            self._ask()
        if self._trouble and time.monotonic() - self._found >= LEAVING:
            raise self._trouble

    def lost(self) -> Lost | UserError:
        """Why the first rank has lost another, which may show a moment later."""
        until = time.monotonic() + LEAVING
        while not self._trouble and time.monotonic() < until:
            self._ask()
            time.sleep(LOOK / 10)
        return self._trouble or Lost("its ranks have lost each other")

    def _ask(self) -> None:
        self._looked = time.monotonic()
        for rank, seen in list(self._seen.items()):
            try:
                events = self._first.helpers[rank - 1].call("events", seen, 0.0)
            except Lost as error:
                del self._seen[rank]
                self._keep(Lost(f"that of rank {rank}: {error}"))
                continue
            for number, event in events:
                self._seen[rank] = int(number)
                self._heard(rank, event)

    def _heard(self, rank: int, event: Mapping[str, Any]) -> None:
        for line in event.get("lines", ()):
            self._line(f"Rank {rank}: {str(line)[:LONGEST]}")
        if event["kind"] != "end":
            return
        del self._seen[rank]
        if event["state"] == "failed":  # "lost": of another, which is found itself
            why = str(event["error"])[:LONGEST]
            self._keep(UserError(f"Rank {rank} of this training has ended: {why}"))

    def _keep(self, trouble: Lost | UserError) -> None:
        """The first trouble is what the others follow from."""
        if self._trouble is None:
            self._trouble, self._found = trouble, time.monotonic()
