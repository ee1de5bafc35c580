"""A node that is reached by files of a shared folder: a call is a file, and so is its answer.

The folder is of one user alone, as what lies there is unpickled; who finds another's leaves it.
"""

import itertools
import os
import pickle
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from smd.cluster.hands import Lost
from smd.errors import UserError
from smd.files import durable
from smd.jobs.endings import reason

POLL = 0.1  # seconds between two looks at whether a file is there
SILENT = 120.0  # seconds without a sign of life after which the other side counts as gone
BEATS = 20  # looks between two signs of life


class FileHand:
    """The node that serves a folder (smd.cluster.hands.Hand)."""

    address, helpers, handle, pool = "", (), None, ""

    def __init__(self, folder: Path, device: str, gone: Callable[[], str]) -> None:
        """gone: why the node's process is no more, ""; asked every few seconds."""
        self.device = device
        self._folder, self._gone = folder, gone
        self._numbers = itertools.count()
        self._lost = ""  # why it is gone

    def call(self, name: str, *args: Any) -> Any:
        """See Hand."""
        if self._lost:
            raise Lost(self._lost)
        number = next(self._numbers)
        durable.write(self._folder / f"call-{number}", pickle.dumps((name, args)))
        path = self._folder / f"answer-{number}"
        beat, heard = b"", time.monotonic()
        for look in itertools.count(1):
            if path.exists():
                break
            time.sleep(POLL)
            if look % BEATS == 0:
                now = _content(self._folder / "alive")
                beat, heard = now, time.monotonic() if now != beat else heard
                why = self._gone() or (time.monotonic() - heard > SILENT and "nothing is heard")
                if why and not path.exists():
                    self._lost = why
                    raise Lost(why)
        answer, refused = pickle.loads(path.read_bytes())
        path.unlink()
        if refused:
            raise UserError(refused)
        return answer


def refuse_others(folder: Path) -> None:
    """Raises UserError where somebody else may write to a folder, or it is none."""
    about = folder.lstat()
    own = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid()
    if not own or stat.S_IMODE(about.st_mode) & 0o077:
        raise UserError(f"{folder} is not yours alone: nothing of it is read.")


def serve(folder: Path, node: Any) -> None:
    """Answer the calls that come to a folder with the methods of a node, until it is gone or nobody
    calls any more. Raises UserError where others can write to it."""
    refuse_others(folder)
    over = threading.Event()
    beating = threading.Thread(target=_beating, args=(folder, over), daemon=True)
    beating.start()
    try:
        _answering(folder, node)
    finally:
        over.set()
        beating.join()


def _answering(folder: Path, node: Any) -> None:
    number, called = 0, time.monotonic()
    while folder.is_dir() and time.monotonic() - called <= SILENT:
        path = folder / f"call-{number}"
        if not path.exists():
            time.sleep(POLL)
            continue
        try:
            name, args = pickle.loads(path.read_bytes())
            answer = pickle.dumps((getattr(node, name)(*args), ""))
        except Exception as error:  # a full disk, no memory: the job says it, the node goes on
            answer = pickle.dumps((None, reason(error) or "It was refused."))
        path.unlink(missing_ok=True)
        _answer(folder / f"answer-{number}", answer)
        number, called = number + 1, time.monotonic()


def _answer(path: Path, answer: bytes) -> None:
    """Write it, as soon as the disk takes it; nobody waits for it where the folder is gone."""
    while path.parent.is_dir():
        try:
            durable.write(path, answer)
            return
        except OSError:
            time.sleep(POLL * BEATS)


def _beating(folder: Path, over: threading.Event) -> None:
    """Give signs of life, also while a call takes long."""
    for beat in itertools.count():
        with suppress(OSError):  # the folder is gone, or its disk is full for now
            durable.write(folder / "alive", str(beat))
        if over.wait(POLL * BEATS):
            return


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
