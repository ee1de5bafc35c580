"""Processes for one try each, forked from one that has imported torch but never used it.

That saves their start.
"""

import os
import pickle
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.torture.campaign import Fault

PATIENCE = 120.0  # seconds after which a try hangs
LOOK = 0.005


def preload() -> None:
    """Import what jobs need; no thread is started, as only the one that forks goes on in a
    child."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import duckdb  # noqa: F401
    import pandas  # noqa: F401
    import torch

    torch.set_num_threads(1)
    import smd.cli.work
    import smd.store.reader
    import smd.tasks.attack
    import smd.tasks.estimate
    import smd.tasks.train  # noqa: F401


class Child:
    """A forked process that does `body` and writes what it prints into a file."""

    def __init__(self, body: Callable[[], Any], out: Path, held: bool = False) -> None:
        self._out = out
        self._go, self.code = os.pipe() if held else (-1, -1), None
        read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(read)
            self._be(body, write)
        os.close(write)
        self._answer = read

    def _be(self, body: Callable[[], Any], answer: int) -> None:
        code = 70
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            log = os.open(self._out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for number in (1, 2):
                os.dup2(log, number)
            sys.stdout = sys.stderr = os.fdopen(
                log, "w", buffering=1, encoding="utf-8", errors="replace"
            )
            if self._go[0] >= 0:
                os.close(self._go[1])
                os.read(self._go[0], 1)  # until it is watched
            value = body()
            with os.fdopen(answer, "wb") as file:
                pickle.dump(value, file)
            code = 0
        except BaseException:
            with suppress(BaseException):
                traceback.print_exc()
            code = 1
        finally:
            os._exit(code)

    def release(self) -> None:
        """Let a held child begin."""
        os.close(self._go[0])
        os.write(self._go[1], b"x")
        os.close(self._go[1])

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, patience: float = PATIENCE) -> int:
        """Its exit status, negative for a signal; one that hangs is killed and a Fault."""
        end = time.monotonic() + patience
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > end:
                self.kill()
                os.waitpid(self.pid, 0)
                raise Fault(f"it hung for {patience:g} s: {self.said()[-300:]}")
            time.sleep(LOOK)

    def read(self, patience: float) -> bytes:
        """Its pickled answer; b"" where none comes in time."""
        with os.fdopen(self._answer, "rb") as file:
            answered, _, _ = select.select([file], [], [], patience)
            return file.read() if answered else b""

    def said(self) -> str:
        """All that it printed."""
        return self._out.read_text(errors="replace") if self._out.exists() else ""


def ask(body: Callable[[], Any], out: Path, patience: float = PATIENCE) -> Any:
    """What a forked process returns; a Fault where it raises. So this process itself never opens a
    store."""
    before = out.stat().st_size if out.exists() else 0
    child = Child(body, out)
    content = child.read(patience)  # first: a long answer does not fit into the pipe
    if code := child.wait(patience if content else 1.0):
        lines = child.said()[before:].strip().splitlines()
        raise Fault(f"it ended with {code}: {' | '.join(lines[-3:])}")
    return pickle.loads(content)
