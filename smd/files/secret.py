"""Secrets of this installation: random bytes that lie outside of every run and never leave it."""

import os
import secrets
from functools import lru_cache
from pathlib import Path

from smd.errors import UserError
from smd.files import durable

BYTES = 32


@lru_cache(maxsize=8)
def key(path: Path, lost: str = "jobs that wait must be resumed then") -> bytes:
    """The secret in that file, made when it is first needed; lost: what a new one would cost, in
    words. Raises UserError where it cannot be kept, or is broken."""
    try:
        # nobody else shall put a key there
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make(path)
        kept = path.read_bytes()
        if not any(kept):  # emptied by a power loss, or zeros, which anybody could guess
            path.unlink()
            make(path)
            kept = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} cannot be kept ({error.strerror}): point SMD_STATE at a folder of your own."
        ) from None
    if len(kept) != BYTES:
        raise UserError(f"{path} is broken: delete it; {lost}.")
    return kept


def make(path: Path) -> None:
    """Make the secret unless there is one; whole and on the disk before it has its name, so that
    nobody reads half. Raises OSError."""
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
