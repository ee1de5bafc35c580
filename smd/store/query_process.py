"""The process that answers one query to a run's store, with bounds that hold.

DuckDB's own do not: `repeat('x', 1e9)` and `range(1e8)` are computed while the query is planned,
where nothing interrupts them, in memory that its limit does not count. Here the clock of the
operating system ends the process, and its memory is all the memory there is.

The request comes as JSON on stdin; the answer goes as a pickle to stdout: names, rows and seconds,
or a sentence that says why there is none. The process ends with SIGALRM where time is up.
"""

import json
import pickle
import resource
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection, Statement, StatementType

from smd.errors import UserError
from smd.store.connection import CONFIG, PATIENCE, Config, reading

MEMORY = "512MB"  # of DuckDB's tables and intermediate results
SPACE = 3 * 2**29  # bytes of addresses; Python and DuckDB take 0.8 GiB of them to begin with
LONGEST = 1000  # characters of a cell
WIDEST = 100  # columns
TOO_MUCH = f"The query needs more than {MEMORY} of memory: ask for less at once."

BOUNDED: Config = {
    **CONFIG,
    "memory_limit": MEMORY,
    "temp_directory": "",
    "python_enable_replacements": False,
}

NUMBERS = {
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
    "FLOAT",
    "DOUBLE",
}

Rows = tuple[list[str], list[tuple[Any, ...]], float]  # names, rows, seconds


def main() -> None:
    """Answer the request on stdin."""
    with suppress(ValueError, OSError):  # a system without this bound has DuckDB's own
        resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE))
    request = json.load(sys.stdin)
    given: Rows | str
    try:
        path, limit = Path(request["path"]), request["limit"]
        given = answer(path, request["query"], limit, request["seconds"])
    except UserError as error:
        given = str(error)
    sys.stdout.buffer.write(pickle.dumps(given))


def answer(path: Path, query: str, rows: int, seconds: float) -> Rows:
    """Names, the first rows and the seconds that one query took; raises UserError where it is
    refused or fails."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    # opening may have to wait for a writer
    signal.setitimer(signal.ITIMER_REAL, PATIENCE + seconds)
    with reading(path, BOUNDED) as con:
        signal.setitimer(signal.ITIMER_REAL, seconds)  # from here on the store is locked
        start = time.perf_counter()
        try:
            names, fetched = _fetched(con, _single(con, query), query, rows)
        except (duckdb.OutOfMemoryException, MemoryError):
            raise UserError(TOO_MUCH) from None
        except duckdb.Error as error:
            raise UserError(_line(error)) from None
        signal.setitimer(signal.ITIMER_REAL, 0)
        return names, fetched, time.perf_counter() - start


def _single(con: DuckDBPyConnection, query: str) -> Statement:
    statements = con.extract_statements(query)
    if len(statements) != 1:
        raise UserError(
            "Write one query."
            if not statements
            else "Write one query at a time, without a second one after ;."
        )
    kind = _kind(statements[0])
    if kind not in ("SELECT", "EXPLAIN"):  # DESCRIBE, SHOW and SUMMARIZE are SELECTs
        raise UserError(f"Only reading is possible here, and {kind} does more: write a SELECT.")
    return statements[0]


def _kind(statement: Statement) -> str:
    try:
        return str(statement.type.name).replace("_", " ")
    except ValueError:  # the Python package has no name for it
        return "this"


def _fetched(
    con: DuckDBPyConnection, statement: Statement, query: str, rows: int
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names and the first rows, whose cells are cut before they leave DuckDB."""
    if statement.type == StatementType.EXPLAIN:
        plan = con.execute(statement)
        return [name for name, *_ in plan.description or ()], plan.fetchmany(rows)
    inner = f"query({_quoted(query)})"
    columns = con.execute(f"DESCRIBE SELECT * FROM {inner}").fetchall()
    if len(columns) > WIDEST:
        raise UserError(f"The answer has {len(columns):,} columns: ask for at most {WIDEST}.")
    cells = ", ".join(_cell(number, kind) for number, (_, kind, *_) in enumerate(columns, start=1))
    return [name for name, *_ in columns], con.execute(
        f"SELECT {cells} FROM {inner} LIMIT {rows}"
    ).fetchall()


def _cell(number: int, kind: str) -> str:
    """A column as it leaves DuckDB: numbers as they are, everything else as text of bounded
    length."""
    if kind in NUMBERS:
        return f"#{number}"
    if kind.startswith("DECIMAL") and not kind.endswith("]"):
        return f"#{number}::DOUBLE"
    text = f"#{number}::VARCHAR"
    return f"if(length({text}) > {LONGEST}, left({text}, {LONGEST}) || '…', {text})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _line(error: Exception) -> str:
    """DuckDB's message in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else "The query cannot be read."


if __name__ == "__main__":
    main()
