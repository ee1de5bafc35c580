"""A question of one's own to a run's store, in SQL: it can look at the store and at nothing else.

The connection is read-only and reaches no other file, no network, no extension and no variable of this process;
time, rows and memory are bounded, so that neither the page nor the job that writes has to wait.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
from duckdb import DuckDBPyConnection, Statement, StatementType

from smd.errors import UserError
from smd.store.connection import CONFIG, Config, reading

LIMIT = 1000  # rows
SECONDS = 3.0  # less than a writing job waits for a reader to let the file go
MEMORY = "512MB"
LONGEST = 1000  # characters of a cell
BOUNDED: Config = {**CONFIG, "memory_limit": MEMORY, "temp_directory": "", "python_enable_replacements": False}

COLUMNS = """
    SELECT table_name AS "table", string_agg(column_name || ' ' || data_type, ', ' ORDER BY column_index) AS columns
    FROM duckdb_columns() WHERE NOT internal GROUP BY table_name ORDER BY table_name"""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a question brought."""

    table: pd.DataFrame
    truncated: bool  # there are more rows than these
    seconds: float


def ask(path: Path, query: str, limit: int = LIMIT, seconds: float = SECONDS) -> Answer:
    """Answer one SELECT (or DESCRIBE, SUMMARIZE, EXPLAIN, ...) on the store at `path`.

    At most `limit` rows in at most `seconds`. Raises UserError with one sentence for anything else than one such
    statement, for what DuckDB has against it, and where it takes too long or too much memory.
    """
    start = time.perf_counter()
    with reading(path, BOUNDED) as con:
        statement = _single(con, query)
        with _bounded(con, seconds):
            table = _answered(con, statement, limit + 1)
    return Answer(_shortened(table.iloc[:limit]), len(table) > limit, time.perf_counter() - start)


def tables(path: Path) -> pd.DataFrame:
    """What can be asked about: table, columns with their types."""
    with reading(path) as con:
        return con.execute(COLUMNS).df()


def _single(con: DuckDBPyConnection, query: str) -> Statement:
    try:
        found = con.extract_statements(query)
    except duckdb.Error as error:
        raise UserError(_line(error)) from None
    if len(found) != 1:
        raise UserError("Write one query." if not found else "Write one query at a time, without a second one after ;.")
    (statement,) = found
    if statement.type not in (StatementType.SELECT, StatementType.EXPLAIN):
        name = statement.type.name.replace("_", " ")
        raise UserError(f"Only reading is possible here, and {name} does more: write a SELECT.")
    return statement


def _answered(con: DuckDBPyConnection, statement: Statement, rows: int) -> pd.DataFrame:
    """The first so many rows: an answer comes as a stream, and no more of it is ever made."""
    found = con.execute(statement)
    names: list[str] = []
    for name, *_ in found.description or ():
        names.append(name if name not in names else f"{name}_{len(names)}")  # a table's columns have names of their own
    return pd.DataFrame(found.fetchmany(rows), columns=names)


@contextmanager
def _bounded(con: DuckDBPyConnection, seconds: float) -> Iterator[None]:
    late = threading.Event()

    def interrupt() -> None:
        late.set()
        con.interrupt()

    timer = threading.Timer(seconds, interrupt)
    timer.start()
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise UserError(f"The query needs more than {MEMORY} of memory: ask for less at once.") from None
    except duckdb.Error as error:
        if late.is_set():
            raise UserError(f"The query took longer than {seconds:g} s: ask for less at once.") from None
        raise UserError(_line(error)) from None
    finally:
        timer.cancel()
        timer.join()


def _shortened(table: pd.DataFrame) -> pd.DataFrame:
    def cut(value: object) -> object:
        return value if not isinstance(value, str) or len(value) <= LONGEST else f"{value[:LONGEST]}…"

    texts = table.select_dtypes(["object", "str"]).columns
    return table.assign(**{name: table[name].map(cut) for name in texts})


def _line(error: Exception) -> str:
    """What DuckDB has against it, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else "The query cannot be read."
