"""The tables of a run's store and their version; the only DDL of the project.

Tables are long (name, value), so that a new metric or attack needs no migration. Rows of a sample
carry its id, the position in its split. Noise levels and margins are in the unit of x, [0, 1].
"""

from duckdb import DuckDBPyConnection

from smd.errors import UserError

VERSION = 1  # raised when a store can no longer be read by the code before

DDL = """
CREATE TABLE meta (key VARCHAR, value VARCHAR);  -- value is JSON
CREATE TABLE epoch_metric (epoch SMALLINT, split VARCHAR, name VARCHAR, eps DOUBLE, value DOUBLE);
CREATE TABLE margin (epoch SMALLINT, idx INTEGER, margin FLOAT, clean_ok BOOLEAN, adv_ok BOOLEAN);
CREATE TABLE margin_hist (epoch SMALLINT, bin SMALLINT, n INTEGER);  -- bin k is [k, k + 1) / 255
CREATE TABLE margin_summary (
    epoch SMALLINT, q05 DOUBLE, q25 DOUBLE, q50 DOUBLE, q75 DOUBLE, q95 DOUBLE, max DOUBLE, mean DOUBLE);
CREATE TABLE sample (split VARCHAR, idx INTEGER, label INTEGER, source INTEGER);  -- source: row in the image cache
CREATE TABLE attack (
    id VARCHAR, name VARCHAR, eps DOUBLE, norm VARCHAR, steps INTEGER, seed INTEGER, split VARCHAR, n INTEGER,
    package VARCHAR, version VARCHAR, seconds DOUBLE, warnings VARCHAR, job VARCHAR, created DOUBLE, picked BOOLEAN);
CREATE TABLE attack_result (attack_id VARCHAR, idx INTEGER, ok BOOLEAN, pred SMALLINT, distance FLOAT);
"""

EPOCH_TABLES = ("epoch_metric", "margin", "margin_hist", "margin_summary")


def create(con: DuckDBPyConnection) -> None:
    """Make the tables in an empty database."""
    con.execute(DDL)
    con.execute("INSERT INTO meta VALUES ('schema', ?)", [str(VERSION)])


def check(con: DuckDBPyConnection) -> None:
    """Raise UserError if a newer version made the tables."""
    row = con.execute("SELECT TRY_CAST(value AS INTEGER) FROM meta WHERE key = 'schema'").fetchone()
    if row is None or row[0] is None:
        raise UserError("The store names no version: it was not written by SMD Studio.")
    if row[0] > VERSION:
        raise UserError("The store was written by a newer version of SMD Studio: update to open it.")
