"""A store's connection that stays open from one reading to the next, for a while."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection


class Kept:
    """Opened by the first reading, and anew where the file has changed. Let go after `longest`
    seconds, or by the reading that lasts beyond these, so that whoever wants to write comes in."""

    def __init__(
        self,
        path: Path,
        opened: Callable[[Path], AbstractContextManager[DuckDBPyConnection]],
        version: Callable[[Path], object],
        longest: float,
    ) -> None:
        self.path = path
        self._opened, self._version, self._longest = opened, version, longest
        self._lock = threading.RLock()  # the clock is another thread
        self._stack = ExitStack()
        self._con: DuckDBPyConnection | None = None
        self._seen: object = None  # the file's version when it was opened
        self._until = 0.0
        self._lent = 0  # readings within readings

    @contextmanager
    def lent(self) -> Iterator[DuckDBPyConnection]:
        """The connection, for one reading."""
        with self._lock:
            if self._changed():
                self._let_go()
            con = self._con or self._open()
            self._lent += 1
        try:
            yield con
        except duckdb.Error:
            self._until = 0.0  # its clock may have run out: the next reading has its own
            raise
        finally:
            with self._lock:
                self._lent -= 1
                if time.monotonic() >= self._until:
                    self._let_go()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._con = None
            self._stack.close()

    def _let_go(self) -> None:
        """As `close`, unless somebody reads: who reads last sees to it."""
        with self._lock:
            if not self._lent:
                self.close()

    def _open(self) -> DuckDBPyConnection:
        con = self._stack.enter_context(self._opened(self.path))  # which may bring it up to date
        self._seen = self._version(self.path)
        self._con, self._until = con, time.monotonic() + self._longest
        clock = threading.Timer(self._longest, self._let_go)
        clock.daemon = True
        clock.start()
        self._stack.callback(clock.cancel)
        return con

    def _changed(self) -> bool:
        return self._seen != self._version(self.path)
