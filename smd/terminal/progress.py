"""Progress on a terminal as one bar that redraws itself, elsewhere as plain lines."""

import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from smd.files import durable
from smd.terminal.visible import visible

BAR = 24  # characters
EVERY = 10.0  # seconds between two plain lines


def duration(seconds: float) -> str:
    """Seconds in words: "48 s", "3 min 20 s", "2 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@dataclass
class Progress:
    """A bar for work of a known amount."""

    what: str
    log: Path | None = None  # lines go to this file as well, where `out` is not that file already
    out: TextIO = field(default_factory=lambda: sys.stderr)
    _shown: float = 0.0
    _width: int = 0

    def show(self, share: float, note: str, eta: float) -> None:
        """share in [0, 1] is done; eta in seconds, negative if unknown."""
        left = f", {duration(eta)} left" if eta >= 0 else ""
        if self.out.isatty():
            full = round(BAR * min(share, 1))
            self._redraw(f"{self.what} {'█' * full}{'░' * (BAR - full)} {share:4.0%} {note}{left}")
        elif time.monotonic() - self._shown > EVERY:
            self._shown = time.monotonic()
            self.line(f"{self.what} {share:4.0%} {note}{left}")

    def line(self, text: str) -> None:
        """A line that stays, above the bar; one that finds no room is lost, and the work goes
        on."""
        text = visible(text)
        if self.log:
            with suppress(OSError), durable.appending(self.log) as file:
                file.write(f"{text}\n".encode())
        with suppress(OSError):
            if self.out.isatty():
                self._redraw("")
                print(f"\r{text}", file=self.out, flush=True)
            else:
                print(text, file=self.out, flush=True)

    def _redraw(self, text: str) -> None:
        print(f"\r{text:<{self._width}}", end="", file=self.out, flush=True)
        self._width = len(text)

    def close(self) -> None:
        """Take the bar away."""
        if self.out.isatty():
            self._redraw("")
            print("\r", end="", file=self.out, flush=True)


class Eta:
    """The time left, from how long the work so far has taken in this process."""

    def __init__(self, done: float) -> None:
        self._start, self._first = time.monotonic(), done

    def left(self, share: float) -> float:
        """Seconds left at that share of the whole, -1 while unknown."""
        gained = share - self._first
        return (time.monotonic() - self._start) * (1 - share) / gained if gained > 0 else -1.0
