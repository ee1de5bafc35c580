"""What lists say of runs, kept outside the runs: to open a hundred stores takes seconds.

A small file a store, in this installation's own folder, which is believed as long as the store is
the very same file, untouched; else the store is opened and the file written anew.
"""

import atexit
import hashlib
import json
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from smd import paths
from smd.errors import UserError
from smd.files import foreign
from smd.store import connection, schema
from smd.store.brief_tables import Brief, brief
from smd.version import __version__

FOLDER = "outlines"
MOST = 5_000  # files; the older half goes then
LEAVING = 10.0  # seconds in which one store is read
SIZE = 8 * foreign.MEGABYTE  # of a file that is read
Told = dict[str, list[Any]]  # a column by its name: its type, its values


def outline(path: Path) -> Brief:
    """As `brief`; the store is opened only where it is not what it was before. Its tables are
    shared: nobody may change them."""
    version = connection.version(path)
    return _outline(path, version) if version else brief(path)


@lru_cache(maxsize=MOST)
def _outline(path: Path, version: tuple[object, ...]) -> Brief:
    made = [repr(version), schema.VERSION, __version__]
    file = _file(path)
    with suppress(OSError, UserError, ValueError, KeyError, TypeError):
        kept = foreign.json_object(file, SIZE)
        if kept["made"] == made:
            tables = (_frame(kept[name]) for name in Brief._fields[1:])
            return Brief(dict(kept["meta"]), *tables)
    found = brief(path)
    if connection.version(path) == version:  # nobody has written meanwhile
        _keep(file, {"made": made, "meta": found.meta, **_told(found)})
    return found


def ahead(stores: Iterable[Path]) -> threading.Thread:
    """Have the outlines of these stores before anybody asks for them, by a thread that is let end
    before the process does: one that is still at a store then would abort it."""
    over = threading.Event()
    thread = threading.Thread(target=_read, args=(stores, over), daemon=True)
    thread.start()

    def end() -> None:
        over.set()
        thread.join(LEAVING)

    atexit.register(end)
    return thread


def _read(stores: Iterable[Path], over: threading.Event) -> None:
    for store in stores:
        if over.is_set():
            return
        with suppress(OSError, UserError):  # its page will say so
            outline(store)


def _file(path: Path) -> Path:
    name = hashlib.blake2b(str(path).encode(errors="surrogateescape"), digest_size=16).hexdigest()
    return paths.state_root() / FOLDER / f"{name}.json"


def _told(found: Brief) -> dict[str, Told]:
    tables = zip(Brief._fields[1:], found[1:], strict=True)
    return {name: {str(c): _column(rows[c]) for c in rows} for name, rows in tables}


def _column(values: "pd.Series[Any]") -> list[Any]:
    """JSON has no nan."""
    told = values.astype(object).where(values.notna(), None)
    return [str(values.dtype), told.tolist()]


def _frame(told: Told) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(rows, dtype=kind) for name, (kind, rows) in told.items()})


def _keep(file: Path, values: dict[str, Any]) -> None:
    """Write it where there is a place for it."""
    # of this thread alone: another may write the same outline
    draft = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    with suppress(OSError, ValueError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            draft.write_text(json.dumps(values, allow_nan=False), encoding="utf-8")
            draft.replace(file)  # what a power loss leaves of it is no JSON, and not believed
        finally:
            draft.unlink(missing_ok=True)  # of a disk that was full
        every = list(file.parent.iterdir())
        if len(every) > MOST:
            for old in sorted(every, key=lambda one: one.stat().st_mtime)[: MOST // 2]:
                old.unlink(missing_ok=True)
