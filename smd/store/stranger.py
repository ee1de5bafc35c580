"""Whether a store holds our tables and nothing else: it may come from elsewhere.

A view or a generated column is a program that reading runs, and a macro may take the name of a
function that our queries call. Only DuckDB's own catalogue is asked, by names that no macro can
take.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from duckdb import DuckDBPyConnection

from smd.errors import UserError
from smd.store import schema

MOST_ROWS = 2 * 10**9  # of a table; a million images over a thousand epochs have half of them
CATALOGUES = {  # of what there may be nothing in a store, by what a message calls it
    "views": "SELECT view_name FROM system.main.duckdb_views() WHERE NOT internal",
    "macros": "SELECT function_name FROM system.main.duckdb_functions() WHERE NOT internal",
    "sequences": "SELECT sequence_name FROM system.main.duckdb_sequences()",
    "types": "SELECT type_name FROM system.main.duckdb_types() WHERE NOT internal",
    "schemas": (
        "SELECT schema_name FROM system.main.duckdb_schemas() WHERE NOT internal AND schema_name <>"
        " 'main'"
    ),
    "indexes": "SELECT index_name FROM system.main.duckdb_indexes()",
    "constraints": "SELECT constraint_type FROM system.main.duckdb_constraints()",
}
TABLES = "SELECT table_name, estimated_size FROM system.main.duckdb_tables() WHERE NOT internal"
COLUMNS = """
    SELECT table_name, column_name, data_type, is_generated, column_default
    FROM system.main.duckdb_columns() WHERE NOT internal"""

Version = tuple[object, ...]
SOUND: set[Version] = set()
MOST_KNOWN = 10_000  # files

Column = tuple[str, str, str]  # table, name, type
# a later version has renamed it
EARLIER: frozenset[Column] = frozenset({("attack", "warnings", "VARCHAR")})


def check(con: DuckDBPyConnection, version: Version) -> None:
    """Raises UserError where the open store has anything but tables and columns that some version
    of ours made.

    version: which file that is; what was found sound is not looked through again before it changes.
    """
    _once(_check, con, version)


def check_whole(con: DuckDBPyConnection, version: Version) -> None:
    """Raises UserError where a store of this version lacks one of its columns; version: as in
    `check`."""
    _once(_check_whole, con, ("whole", *version))


def _once(
    look: Callable[[DuckDBPyConnection], None], con: DuckDBPyConnection, version: Version
) -> None:
    if version in SOUND:
        return
    look(con)
    if len(SOUND) >= MOST_KNOWN:
        SOUND.clear()
    SOUND.add(version)


def _check(con: DuckDBPyConnection) -> None:
    for what, query in CATALOGUES.items():
        if con.execute(query).fetchone():
            raise UserError(
                f"The store has {what}, which SMD Studio never makes: it is not opened."
            )
    for table, rows in con.execute(TABLES).fetchall():
        if rows > MOST_ROWS:
            raise UserError(
                f"The store's table {table[:40]} has {rows:,} rows, more than can be: it is not"
                " opened."
            )
    listed = con.execute(COLUMNS).fetchall()
    if any(generated or default is not None for *_, generated, default in listed):
        raise UserError(
            "The store has columns that compute something: SMD Studio never makes them, it is not"
            " opened."
        )
    columns = {(table, name, kind) for table, name, kind, *_ in listed}
    strange = sorted(columns - _whole() - EARLIER)
    if strange:
        named = ".".join(strange[0][:2])[:80]
        raise UserError(
            f"The store has {named} ({strange[0][2][:40]}), which SMD Studio never makes: it is not"
            " opened."
        )
    if ("meta", "key", "VARCHAR") not in columns or ("meta", "value", "VARCHAR") not in columns:
        raise UserError("The store names no version: it was not written by SMD Studio.")


def _check_whole(con: DuckDBPyConnection) -> None:
    listed = {(table, name, kind) for table, name, kind, *_ in con.execute(COLUMNS).fetchall()}
    missing = sorted(_whole() - listed)
    if missing:
        raise UserError(
            f"The store lacks {'.'.join(missing[0][:2])}: it was not written by SMD Studio."
        )


@lru_cache(maxsize=1)
def _whole() -> frozenset[Column]:
    """The columns of this version, read off its own statements: a second database would take memory
    and time."""
    ddl = re.sub(r"--.*", "", "".join(schema.STEPS))
    tables = {
        name: columns.split(",")
        for name, columns in re.findall(r"CREATE TABLE (\w+) \((.*?)\);", ddl, re.S)
    }
    for name, column in re.findall(r"ALTER TABLE (\w+) ADD COLUMN (\w+ \w+);", ddl):
        tables[name].append(column)
    return frozenset(
        (table, *column.split()) for table, columns in tables.items() for column in columns
    )
