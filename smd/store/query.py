"""A question of one's own to a run's store, in SQL: it can look at the store and at nothing else.

A process of its own answers it (smd.store.query_process), read-only, without files, network,
extensions or anything of this process; time, rows and memory are bounded, so that neither a page
nor the job that writes has to wait long.
"""

import json
import pickle
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from smd import children
from smd.errors import UserError
from smd.store.connection import reading
from smd.store.query_examples import TABLES

LIMIT = 1000  # rows
AT_ONCE = 3  # queries of all pages of this process: each may take 1.5 GiB
TURN = 30.0  # seconds that a query waits for its turn
SECONDS = 3.0  # less than a writing job waits for a reader to let the file go

TURNS = threading.BoundedSemaphore(AT_ONCE)

COLUMNS = """
    SELECT table_name AS "table", string_agg(column_name, ', ' ORDER BY column_index) AS columns
    FROM system.main.duckdb_columns() WHERE NOT internal GROUP BY table_name ORDER BY table_name"""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a question brought."""

    table: pd.DataFrame
    truncated: bool  # there are more rows than these
    seconds: float


def ask(path: Path, query: str, limit: int = LIMIT, seconds: float = SECONDS) -> Answer:
    """Answer one SELECT (or DESCRIBE, SUMMARIZE, EXPLAIN, ...) on the store at `path`.

    At most `limit` rows in at most `seconds`; what is no number comes as text, the longest of it
    cut. Raises UserError with one sentence for anything else than one such statement, for what
    DuckDB has against it, and where it takes too long or too much memory.
    """
    asked = {"path": str(path.absolute()), "query": query, "limit": limit + 1, "seconds": seconds}
    done = _answered(json.dumps(asked).encode())
    if done.returncode == -signal.SIGALRM:
        raise UserError(f"The query took longer than {seconds:g} s: ask for less at once.")
    if done.returncode:
        raise UserError(
            "The query broke off, most likely for want of memory: ask for less at once."
        )
    found = pickle.loads(done.stdout)  # written by this very program
    if isinstance(found, str):
        raise UserError(found)
    names, rows, took = found
    return Answer(pd.DataFrame(rows[:limit], columns=names), len(rows) > limit, took)


def _answered(request: bytes) -> "subprocess.CompletedProcess[bytes]":
    if not TURNS.acquire(timeout=TURN):
        raise UserError(f"{AT_ONCE} other queries are being answered: try again in a moment.")
    try:
        return subprocess.run(
            children.command("smd.store.query_process"),
            input=request,
            capture_output=True,
            cwd=children.FOLDER,
            env=children.environment(),
            check=False,
        )
    finally:
        TURNS.release()


def tables(path: Path) -> pd.DataFrame:
    """What can be asked about: table, what it holds, columns."""
    with reading(path) as con:
        found = con.execute(COLUMNS).df()
    found.insert(1, "holds", found["table"].map(TABLES))
    return found
