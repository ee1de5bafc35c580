"""Which jobs may start by themselves: those that this installation put where they are.

A run's folder may have come from elsewhere, with a job in it that says "queued". A ticket is a
keyed digest of the job's place and of what it is asked to do; the key lies outside of every run, so
nobody else can write one, and a copy of a folder has none.
"""

import hashlib
import hmac
import os
import platform
import pwd
import secrets
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from smd import paths
from smd.errors import UserError
from smd.files import durable, foreign

BYTES = 32
# whom jobs are queued for now; "" without a login
STARTER: ContextVar[str] = ContextVar("starter", default="")


def me() -> str:
    """Who queues and runs jobs here, as other people and machines on the same folder see it.

    By the process's user and not by USER, which sudo, cron and containers set, unset or leave as it
    was.
    """
    try:
        return f"{pwd.getpwuid(os.getuid()).pw_name}@{platform.node()}"
    except KeyError:  # a number without a name, as in a container
        return f"{os.getuid()}@{platform.node()}"


def ticket(place: Path, config: Path) -> str:
    """The ticket of the job that lies in `place`; config: its config.json, wherever that is just
    now."""
    try:
        asked = foreign.content(config)
    except (OSError, UserError):
        asked = b""
    words = b"\0".join(
        (os.fsencode(place.resolve()), me().encode(), hashlib.sha256(asked).digest())
    )
    return hmac.new(_key(paths.state_root() / "key"), words, hashlib.sha256).hexdigest()


def valid(folder: Path, shown: str) -> bool:
    """Whether that is the ticket of the job in this folder; nothing is, where this installation can
    keep no key."""
    try:
        return hmac.compare_digest(shown.encode(), ticket(folder, folder / "config.json").encode())
    except UserError:
        return False


@lru_cache(maxsize=8)
def _key(path: Path) -> bytes:
    """This installation's secret, made when it is first needed."""
    try:
        # nobody else shall put a key there
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
        key = path.read_bytes()
        if not any(key):  # emptied by a power loss, or zeros, which anybody could guess
            path.unlink()
            _make(path)
            key = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} cannot be kept ({error.strerror}): point SMD_STATE at a folder of your own."
        ) from None
    if len(key) != BYTES:
        raise UserError(f"{path} is broken: delete it; jobs that wait must be resumed then.")
    return key


def _make(path: Path) -> None:
    """Make the secret unless there is one; whole and on the disk before it has its name, so that
    nobody reads half."""
    if path.exists():
        return
    draft = path.with_name(f".key-{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # unlike a rename it takes no other process's key away
        durable.sync(path.parent)  # else what it has signed comes from elsewhere after a power loss
    except FileExistsError:
        pass
    finally:
        draft.unlink()
