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
from contextvars import ContextVar
from pathlib import Path

from smd import paths
from smd.errors import UserError
from smd.files import foreign, secret

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
    return hmac.new(secret.key(paths.state_root() / "key"), words, hashlib.sha256).hexdigest()


def valid(folder: Path, shown: str) -> bool:
    """Whether that is the ticket of the job in this folder; nothing is, where this installation can
    keep no key."""
    try:
        return hmac.compare_digest(shown.encode(), ticket(folder, folder / "config.json").encode())
    except UserError:
        return False
