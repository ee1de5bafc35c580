"""A store's connection that stays open from one reading to the next, for a while."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection


class Kept:
    """Opened by the first reading, and anew where the file has changed or it is older than
    `longest` seconds, so that whoever wants to write comes in."""

    def __init__(
        self,
        path: Path,
        opened: Callable[[Path], AbstractContextManager[DuckDBPyConnection]],
        version: Callable[[Path], object],
        longest: float,
    ) -> None:
        self.path = path
        self._opened, self._version, self._longest = opened, version, longest
        self._stack = ExitStack()
        self._con: DuckDBPyConnection | None = None
        self._seen: object = None  # the file's version when it was opened
        self._until = 0.0
        self._lent = 0  # readings within readings

    @contextmanager
    def lent(self) -> Iterator[DuckDBPyConnection]:
        """The connection, for one reading."""
        if not self._lent and (time.monotonic() > self._until or self._changed()):
            self.close()
        con = self._con or self._open()
        self._lent += 1
        try:
            yield con
        except duckdb.Error:
            self._until = 0.0  # its clock may have run out: the next reading has its own
            raise
        finally:
            self._lent -= 1

    def close(self) -> None:
        """Let go of the file."""
        self._con = None
        self._stack.close()

    def _open(self) -> DuckDBPyConnection:
        self._seen = self._version(self.path)
        con = self._stack.enter_context(self._opened(self.path))
        if self._changed():  # brought up to date
            self._seen = self._version(self.path)
        self._con, self._until = con, time.monotonic() + self._longest
        return con

    def _changed(self) -> bool:
        return self._seen != self._version(self.path)
