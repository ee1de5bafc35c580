"""A query of one's own to a run's store, in SQL: it can read the store and nothing else.

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
from typing import TypedDict

import pandas as pd

from smd import children
from smd.errors import UserError
from smd.store.query_examples import TABLES
from smd.store.run_tables import frame
from smd.store.sql import Query

LIMIT = 1000  # rows
AT_ONCE = 3  # queries of all pages of this process: each may take 1.5 GiB
TURN = 30.0  # seconds that a query waits for its turn
SECONDS = 3.0  # less than a writing job waits for a reader to let the file go

MOST_ROWS = 10_000_000  # that may be asked for
LONGEST = 3600.0  # seconds likewise

TURNS = threading.BoundedSemaphore(AT_ONCE)


class TableRow(TypedDict):
    """A table of the store."""

    table: str
    columns: str  # their names, with commas between them


COLUMNS = Query(
    TableRow,
    """
    SELECT table_name AS "table", string_agg(column_name, ', ' ORDER BY column_index) AS columns
    FROM system.main.duckdb_columns()
    WHERE NOT internal
    GROUP BY table_name
    ORDER BY table_name""",
)


@dataclass(frozen=True, eq=False)
class Answer:
    """The rows of a query."""

    table: pd.DataFrame
    truncated: bool  # there are more rows than these
    seconds: float


def ask(path: Path, query: str, limit: int = LIMIT, seconds: float = SECONDS) -> Answer:
    """Answer one SELECT (or DESCRIBE, SUMMARIZE, EXPLAIN, ...) on the store at `path`.

    At most `limit` rows in at most `seconds`; what is no number comes as text, the longest of it
    cut. Raises UserError with one sentence for anything else than one such statement, for what
    DuckDB has against it, where it takes too long or too much memory, and for bounds that are none.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise UserError(f"The limit must be 1 to {MOST_ROWS:,} rows: choose one of these.")
    if not 0 < seconds <= LONGEST:
        raise UserError(f"A query may take some seconds, up to {LONGEST:g}: not {seconds:g}.")
    request = {"path": str(path.absolute()), "query": query, "limit": limit + 1, "seconds": seconds}
    done = _answered(json.dumps(request).encode())
    if done.returncode == -signal.SIGALRM:
        raise UserError(f"The query took longer than {seconds:g} s: ask for less at once.")
    if done.returncode:
        raise UserError(
            "The query broke off, most likely for want of memory: ask for less at once."
        )
    answer = pickle.loads(done.stdout)  # written by this very program
    if isinstance(answer, str):
        raise UserError(answer)
    names, rows, took = answer
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
    """What can be queried: TableRow, and what each table holds."""
    table = frame(path, COLUMNS)
    table.insert(1, "holds", table["table"].map(TABLES))
    return table
