"""The only place that opens a store: for one transaction, a query or a few together, never longer.

DuckDB lets in one writing process or many reading ones and locks the file, so whoever comes at the
wrong moment tries again for a while. Stores may come from elsewhere: no connection can reach other
files, the network or extensions, only ordinary files with our tables are read (smd.store.stranger),
and reading takes bounded time and memory.
"""

import errno
import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from functools import partial
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from smd.errors import UserError
from smd.files import durable, foreign
from smd.store import places, schema, stranger, trust
from smd.store.kept import Kept

PATIENCE = 5.0  # seconds of trying again while another process holds the file
LONGEST = 30.0  # seconds that a reader may read; the largest of our own stores take two
Config = dict[str, str | bool | int | float | list[str]]

CONFIG: Config = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "threads": 2,  # the tables are small, and the job's cores have other work
    "memory_limit": "2GB",
    "temp_directory": "",  # it would lie in the run's folder, where a link may wait
    "lock_configuration": True,
}
KEPT = 1.0  # seconds that a connection is kept for the next reading
# the stores that stay open for several queries of one thread, see `together` and `kept`
_kept: ContextVar[tuple[Kept, ...]] = ContextVar("kept", default=())


class Busy(UserError):
    """Another program has the store just now."""


@contextmanager
def reading(path: Path, config: Config = CONFIG) -> Iterator[DuckDBPyConnection]:
    """A read-only connection; to empty tables in memory where the run has no store yet.

    Raises UserError if the store is broken, newer, or locked for longer than PATIENCE.
    """
    own = _kept_of(path) if config is CONFIG else None
    with _explained(path), own.lent() if own else _current(path, config) as con:
        yield con


def _kept_of(path: Path) -> Kept | None:
    """The connection that this thread keeps to that store."""
    return next((own for own in _kept.get() if own.path == path), None)


@contextmanager
def _current(path: Path, config: Config = CONFIG) -> Iterator[DuckDBPyConnection]:
    """A connection to a store of this version."""
    with _connected(path, config) as con:
        if not schema.outdated(con):
            stranger.check_whole(con, _version(path, True))
            yield con
            return
    with _renewed(path) as now, _connected(now, config) as con:
        stranger.check_whole(con, _version(now, True))
        yield con


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Raises UserError in place of what DuckDB raises."""
    try:
        yield
    except duckdb.InterruptException:
        raise UserError(
            f"{path} took longer than {LONGEST:g} s to read: it is too large, or broken."
        ) from None
    except duckdb.OutOfMemoryException:
        raise UserError(
            f"{path} needs more than {CONFIG['memory_limit']} of memory to read: it is too large."
        ) from None
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise UserError(unreadable(path, error)) from error


@contextmanager
def together(path: Path) -> Iterator[None]:
    """Within, all that this thread reads of the store is read over one connection: to open it
    takes longer than most queries. Raises what `reading` does."""
    with kept(path), reading(path):
        yield


@contextmanager
def kept(path: Path) -> Iterator[None]:
    """Within, what this thread reads of the store is read over a connection that is opened when it
    is needed and kept for KEPT seconds; whoever would write waits that long, or until the end."""
    if _kept_of(path):
        yield
        return
    own = Kept(path, _current, partial(_version, read_only=True), KEPT)
    before = _kept.set((*_kept.get(), own))
    try:
        yield
    finally:
        _kept.reset(before)
        own.close()


@contextmanager
def _renewed(path: Path) -> Iterator[Path]:
    """An older version's store, brought up to date; where it can only be looked at, a copy of it
    is."""
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        with writing(path):
            pass
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="smd-store-") as folder:
        copy = Path(folder) / path.name
        for name in (path.name, path.name + ".wal"):
            with (
                suppress(FileNotFoundError),
                foreign.opened(path.with_name(name)) as file,
                copy.with_name(name).open("wb") as out,
            ):
                shutil.copyfileobj(file, out)
        with writing(copy):
            pass
        yield copy


@contextmanager
def writing(path: Path, patience: float = PATIENCE) -> Iterator[DuckDBPyConnection]:
    """A connection in a transaction, committed if the body ends well.

    The store is made if it is missing.

    Raises UserError if the store is broken, newer, locked for longer than `patience` seconds, or
    cannot be written.
    """
    if own := _kept_of(path):
        own.close()
    try:
        if _there(path):
            trust.require(path, _version(path, True), _version(path, False))
        else:
            _create(path)
        with opened(path, False, patience) as con:
            old = schema.outdated(con)
            con.begin()
            if old:
                schema.upgrade(con)
            yield con
            con.commit()
        trust.ours(_version(path, False))
    except (duckdb.Error, OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} cannot be written ({_line(error)}): check the free disk space and the file."
        ) from error


@contextmanager
def _connected(path: Path, config: Config) -> Iterator[DuckDBPyConnection]:
    if _there(path):
        if config is CONFIG:  # others read in a process of its own
            trust.require(path, _version(path, True), _version(path, False))
        with (
            opened(path, True, PATIENCE, config) as con,
            _bounded(con) if config is CONFIG else nullcontext(),
        ):
            yield con  # who brings bounds of memory has a clock of its own
        return
    with duckdb.connect(":memory:", config=config) as con:
        schema.create(con)
        yield con


def _there(path: Path) -> bool:
    """Whether there is a store; raises UserError where something else lies in its place or in that
    of its log."""
    places.refuse_odd(path)
    foreign.refuse_other(path.with_name(path.name + ".wal"))
    return foreign.refuse_other(path)


def _version(path: Path, read_only: bool) -> tuple[object, ...]:
    """Tells a file from any other, and for readers from what it was before; a writer knows what it
    has written."""
    identity = []
    for file in (path, path.with_name(path.name + ".wal")):
        with suppress(FileNotFoundError):
            about = file.lstat()
            identity += [
                about.st_dev,
                about.st_ino,
                *([about.st_size, about.st_mtime_ns, about.st_ctime_ns] * read_only),
            ]
    return (str(path), *(identity if read_only else identity[:2]))


def version(path: Path) -> tuple[object, ...] | None:
    """Tells a store from any other and from what it was before; None where there is none. Raises
    UserError where something else lies in its place."""
    return _version(path, True) if _there(path) else None


@contextmanager
def _bounded(con: DuckDBPyConnection) -> Iterator[None]:
    """Interrupt what is asked for longer than LONGEST seconds; the one asking meets
    duckdb.InterruptException."""
    timer = threading.Timer(LONGEST, con.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def opened(
    path: Path, read_only: bool, patience: float, config: Config = CONFIG
) -> Iterator[DuckDBPyConnection]:
    """A connection to a store that is there and holds our tables alone; raises UserError, and what
    DuckDB raises."""
    wait, deadline, version = 0.02, time.monotonic() + patience, _version(path, read_only)
    while True:
        try:
            con = duckdb.connect(str(path), read_only=read_only, config=config)
            break
        except duckdb.Error as error:
            if not _busy(error):
                raise
            if time.monotonic() > deadline:
                raise Busy(
                    f"{path} is in use by another program: close it there and try again."
                ) from error
            # jitter, so that two do not meet again and again
            time.sleep(wait * random.uniform(0.5, 1.5))
            wait = min(2 * wait, 0.5)
    try:
        stranger.check(con, version)
        yield con
    finally:
        con.close()  # rolls back what was not committed


def _busy(error: duckdb.Error) -> bool:
    """Another process has the file, or another thread of this one has it in the other mode."""
    return "Could not set lock" in str(error) or "different configuration" in str(error)


def _create(path: Path) -> None:
    """Make an empty store.

    It appears as a whole, so that neither a crash nor a full disk leaves half of one.

    DuckDB writes to a log beside the file first, and where the disk is full closing leaves the
    tables in the log: the file alone would have none for ever.
    """
    partial = path.with_suffix(".partial")
    log = partial.with_name(partial.name + ".wal")
    for left in (partial, log):
        left.unlink(missing_ok=True)
    with duckdb.connect(str(partial), config=CONFIG) as con:
        schema.create(con)
        con.execute("CHECKPOINT")  # raises where there is no room
    if log.exists():
        raise OSError(errno.ENOSPC, "the disk is full")
    durable.move(partial, path)


def unreadable(path: Path, error: Exception) -> str:
    """The sentence for a store that DuckDB cannot read."""
    return (
        f"The results in {path} cannot be read ({_line(error)}): restore the file, or delete the"
        " run."
    )


def _line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".!")
