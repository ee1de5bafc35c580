"""Which stores may be opened in this process.

Those that it made, and those that another has opened first.

DuckDB is native code: a crafted file can end the process that reads it. So a store that nobody here
knows is opened by a process of its own (smd.store.check_process), once; what is known is kept in a
file outside the runs, as digests. A store that this installation writes is known whatever it
becomes, any other one until it changes.
"""

import hashlib
import json
import select
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from smd import children, paths
from smd.errors import UserError
from smd.files import durable, foreign

COMMAND = children.command("smd.store.check_process")
LIMIT = 20.0  # seconds that a store may take, with the start of the process
KEPT = 2**20  # bytes of digests; the older half goes then
LINE = 33  # bytes of one digest there

Version = tuple[object, ...]


class Answer(TypedDict):
    """What was found of a store."""

    wrong: str | None  # a sentence
    passing: bool  # it may be another thing in a moment


_turn = threading.Lock()
_known: set[str] = set()  # digests
_refused: dict[str, str] = {}  # digest -> what is wrong
_stamp: tuple[int, int] | None = None  # of the file of digests when it was read
_process: "subprocess.Popen[bytes] | None" = None


def require(path: Path, version: Version, place: Version) -> None:
    """Raises UserError where the store is not sound; version, place: see smd.store.connection.

    A store that is known costs a look at a set.
    """
    names = _digest(version), _digest(place)
    if _is_known(names):
        return
    with _turn:
        _read_kept()
        if _is_known(names):
            return
        if names[0] not in _refused:
            answer = _asked(path)
            if answer["wrong"] is None:
                _keep(names[0])
                return
            if answer["passing"]:
                raise UserError(str(answer["wrong"]))
            _refused[names[0]] = str(answer["wrong"])
    raise UserError(_refused[names[0]])


def ours(place: Version) -> None:
    """This process has written the store at that place: it is known from now on."""
    name = _digest(place)
    if name not in _known:
        with _turn:
            _keep(name)


def _is_known(names: tuple[str, ...]) -> bool:
    return any(name in _known for name in names)


def _digest(version: Version) -> str:
    return hashlib.blake2b(
        repr(version).encode(errors="surrogateescape"), digest_size=16
    ).hexdigest()


def _file() -> Path:
    return paths.state_root() / "stores"


def _read_kept() -> None:
    """Take over what other processes have found, if there is anything new."""
    global _stamp
    with suppress(OSError, UserError, ValueError):
        status = _file().stat()
        stamp = (status.st_ino, status.st_size)
        if stamp != _stamp:
            _known.update(foreign.content(_file(), 4 * KEPT).decode().split())
            _stamp = stamp


def _keep(name: str) -> None:
    """Know it here, and write it down for others where there is a place for that."""
    _known.add(name)
    with suppress(OSError, UserError):
        file = _file()
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > KEPT:
            durable.write(file, foreign.content(file, 4 * KEPT)[KEPT // 2 // LINE * LINE :])
        with durable.appending(file) as kept:
            kept.write(f"{name}\n".encode())


def _asked(path: Path) -> Answer:
    """What the process that opens it says, or how it ended over it."""
    global _process
    for _ in range(2):
        if _process is None or _process.poll() is not None:
            _process = subprocess.Popen(
                COMMAND,
                cwd=children.FOLDER,
                env=children.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        said = _said(_process, json.dumps(str(path.absolute())).encode() + b"\n")
        if said is None:
            _process.kill()
        code = _process.wait() if not said else 0
        if said:
            stored = json.loads(said)
            return Answer(wrong=stored["wrong"], passing=stored["passing"])
        if code != -signal.SIGALRM:  # else it had just gone for want of questions
            break
    return Answer(wrong=_ended(path, said is None, code), passing=False)


def _said(process: "subprocess.Popen[bytes]", line: bytes) -> bytes | None:
    """The process's answer to that line; b"" if it ends without one, None if it takes too long."""
    if process.stdin is None or process.stdout is None:
        return b""
    with suppress(BrokenPipeError):
        process.stdin.write(line)
        process.stdin.flush()
    if not select.select([process.stdout], [], [], LIMIT)[0]:
        return None
    return process.stdout.readline()


def _ended(path: Path, slow: bool, code: int) -> str:
    if slow:
        return (
            f"{path} took longer than {LIMIT:g} s to open: it is too large or broken. Restore it,"
            " or delete the run."
        )
    how = signal.Signals(-code).name if code < 0 else f"status {code}"
    return (
        f"{path} ended the program that opened it ({how}): it is broken, or made to do so. It is"
        " not opened again: restore it, or delete the run."
    )
