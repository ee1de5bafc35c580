"""Makers of stores as a stranger may send them.

DuckDB files that run something, or are not ours.
"""

import duckdb
import numpy as np

from smd.store import stranger
from tests.storing import epoch, started

ENDLESS = "range(1000000000000)"
STATEMENTS = {
    "meta is a view": (
        f"ALTER TABLE meta RENAME TO m; CREATE VIEW meta AS SELECT key, value FROM m, {ENDLESS}"
        " t(i)"
    ),
    "epochs are a view": (
        "DROP TABLE epoch_metric; CREATE VIEW epoch_metric AS SELECT i AS epoch, 'train' AS split,"
        f" 'loss' AS name, 0.0 AS eps, 1.0 AS value FROM {ENDLESS} t(i)"
    ),
    "a view beside the tables": f"CREATE VIEW more AS SELECT * FROM {ENDLESS}",
    "a macro named as a function": f"CREATE MACRO count(x) AS (SELECT max(i) FROM {ENDLESS} t(i))",
    "a macro named as the catalogue": (
        "CREATE MACRO duckdb_views() AS TABLE SELECT 1 AS view_name WHERE false"
    ),
    "a column that computes": (
        "DROP TABLE meta; CREATE TABLE meta (key VARCHAR, value VARCHAR AS (repeat(key, 99)))"
    ),
    "a default": (
        "DROP TABLE gauge; CREATE TABLE gauge (moment DOUBLE DEFAULT 1, name VARCHAR, value DOUBLE)"
    ),
    "a check": (
        "DROP TABLE gauge; CREATE TABLE gauge (moment DOUBLE CHECK (moment > 0), name VARCHAR,"
        " value DOUBLE)"
    ),
    "a sequence": "CREATE SEQUENCE s",
    "a type": "CREATE TYPE mood AS ENUM ('sad')",
    "a schema": "CREATE SCHEMA more",
    "a table more": "CREATE TABLE more (a INTEGER)",
    "a column of another type": (
        "DROP TABLE gauge; CREATE TABLE gauge (moment VARCHAR, name VARCHAR, value DOUBLE)"
    ),
    "a column less": "ALTER TABLE gauge DROP COLUMN value",
    "a table less": "DROP TABLE epoch_metric",
    "version -3": "UPDATE meta SET value = '-3' WHERE key = 'schema'",
    "version 0": "UPDATE meta SET value = '0' WHERE key = 'schema'",
    "version 99": "UPDATE meta SET value = '99' WHERE key = 'schema'",
    "no version": "DELETE FROM meta WHERE key = 'schema'",
    "version twice and wrong": "UPDATE meta SET value = 'x' WHERE key = 'schema'",
}
CLASSES = (
    "5",
    "null",
    "[[[",
    "[" * 100_000,
    "[1, 2]",
    '["a", null]',
    '{"a": 1}',
    '"cat"',
    "NaN",
    '["\\ud800"]',
    "",
)
BLOCK = 2**18  # bytes of a block of DuckDB's files
OTHERS = ("link", "dangling", "pipe", "folder", "device")


def store(path, statements=""):
    """A small store of ours, on which then these statements were run."""
    started(path).epoch(epoch(1))
    with duckdb.connect(str(path)) as con:
        con.execute(statements)
    stranger.SOUND.clear()  # as in a process that has not written it


def described(path, key, value):
    """A store whose description says that."""
    store(path)
    with duckdb.connect(str(path)) as con:
        con.execute("DELETE FROM meta WHERE key = ?", [key])
        con.execute("INSERT INTO meta VALUES (?, ?)", [key, value])


def huge(path, rows):
    """A small file whose epochs have very many rows, all alike."""
    store(path)
    with duckdb.connect(str(path)) as con:
        con.execute(f"INSERT INTO epoch_metric SELECT 1, 'train', 'loss', 0, 1 FROM range({rows})")
    return path.stat().st_size


def crafted(path, old, new):
    """A store in which some bytes are others and all checksums are right: DuckDB decodes what it is
    given."""
    store(path)
    assert len(old) == len(new) and old in path.read_bytes()
    content = bytearray(path.read_bytes().replace(old, new))
    for begin, size in [
        *((4096 * k, 4096) for k in range(3)),
        *((at, BLOCK) for at in range(12288, len(content), BLOCK)),
    ]:
        words = np.frombuffer(bytes(content[begin + 8 : begin + size]), "<u8")
        with np.errstate(over="ignore"):
            mixed = np.bitwise_xor.reduce(words * np.uint64(0xBF58476D1CE4E5B9)) ^ np.uint64(5381)
        content[begin : begin + 8] = int(mixed).to_bytes(8, "little")
    path.write_bytes(content)


__all__ = ["CLASSES", "OTHERS", "STATEMENTS", "crafted", "described", "huge", "store"]
