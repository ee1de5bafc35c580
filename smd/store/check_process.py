"""The process that opens unknown stores first.

One that crashes or hangs DuckDB's own code ends nothing but this.

Paths come as lines of JSON on stdin; for each goes a line to stdout: what is wrong with the store,
if anything is. What a page could read of it has been read then, or as much as there was time for.
"""

import json
import os
import resource
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from duckdb import DuckDBPyConnection

from smd.errors import UserError
from smd.store import connection, schema, stranger
from smd.store.query_process import BOUNDED, SPACE
from smd.store.trust import Answer

IDLE = 60  # seconds without a question until the process ends
READING = 5.0  # seconds; a large store is read in part


def main() -> None:
    """Answer until stdin ends or nobody asks."""
    with suppress(ValueError, OSError):  # a system without this bound has DuckDB's own
        resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is meant for the one that asks
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    while True:
        signal.alarm(IDLE)
        line = sys.stdin.readline()
        signal.alarm(0)  # from here on the one that asks keeps the time
        if not line:
            return
        print(json.dumps(verdict(Path(json.loads(line)))), file=out, flush=True)


def verdict(path: Path) -> Answer:
    """What is wrong with a store, if anything is."""
    try:
        with connection.opened(path, True, connection.PATIENCE, BOUNDED) as con:
            if not schema.outdated(con):
                stranger.check_whole(con, (str(path), "asked"))
            _read(con)
    except UserError as error:
        return Answer(wrong=str(error), passing=isinstance(error, connection.Busy))
    except Exception as error:  # DuckDB raises nearly anything over a broken file
        return Answer(wrong=connection.unreadable(path, error), passing=False)
    finally:
        stranger.SOUND.clear()  # the next file may have the same name
    return Answer(wrong=None, passing=False)


def _read(con: DuckDBPyConnection) -> None:
    """Have DuckDB decode every cell, for READING seconds at most; what it cannot read it says again
    when asked."""
    timer = threading.Timer(READING, con.interrupt)
    timer.start()
    try:
        for name, _ in con.execute(stranger.TABLES).fetchall():
            # its name is one of ours
            con.execute(f'SELECT bit_xor(hash(t)) FROM "{name}" t').fetchone()
    except Exception:  # see above
        pass
    finally:
        timer.cancel()


if __name__ == "__main__":
    main()
