"""A tracker in a thread of its own: whatever it does, the job goes on as if it were not there."""

import threading
import time
from collections.abc import Callable
from queue import Empty, Full, Queue

from smd.sinks.events import About, End, Epoch, Judged, Sink

MOST = 2000  # events that may wait; of some kilobytes each
WAIT = 30.0  # seconds that a job waits for its trackers at its end

Event = Epoch | tuple[str, Judged] | End


class Guarded:
    """One tracker with a bounded queue before it; `failure` says why it is off, "" while it is
    on."""

    def __init__(self, make: Callable[[], Sink], about: About, most: int = MOST) -> None:
        self.failure = ""
        self._queue: Queue[Event] = Queue(most)
        # daemonic: one that hangs does not keep the process
        self._thread = threading.Thread(
            target=self._work, args=(make, about), name="tracker", daemon=True
        )
        self._thread.start()

    def hand(self, event: Event) -> None:
        """Let the tracker have an event; returns at once."""
        if self.failure:
            return
        try:
            self._queue.put_nowait(event)
        except Full:
            self.failure = f"it is too slow: {self._queue.maxsize:,} events wait"

    def finish(self, until: float) -> None:
        """Wait for it, at most to that moment of time.monotonic()."""
        self._thread.join(0 if self.failure else max(0.0, until - time.monotonic()))
        if self._thread.is_alive() and not self.failure:
            self.failure = "it did not end in time"

    def _work(self, make: Callable[[], Sink], about: About) -> None:
        try:
            sink = make()
            last = sink.begin(about)
            while not self.failure:
                event = self._next()
                if isinstance(event, Epoch):
                    if event.epoch > last:
                        sink.epoch(event)
                        last = event.epoch
                elif isinstance(event, End):
                    return sink.end(event)
                elif event:
                    {"attack": sink.attack, "estimate": sink.estimate}[event[0]](event[1])
        except BaseException as error:  # some end the program they are in
            lines = str(error).strip().splitlines()
            self.failure = self.failure or f"{type(error).__name__}: {(lines or ['no reason'])[0]}"

    def _next(self) -> Event | None:
        """The next event; None now and then, to see whether it is off."""
        try:
            return self._queue.get(timeout=1.0)
        except Empty:
            return None
