"""Questions in SQL: answers come from the store alone, and nothing else can be done."""

import threading

import pytest
from storing import N, attack, epoch, started

from smd.errors import UserError
from smd.store import reader
from smd.store.ask import LONGEST, ask, tables


@pytest.fixture
def store(tmp_path):
    recorder = started(tmp_path / "run.duckdb")
    recorder.epoch(epoch(1))
    attack(recorder)
    return tmp_path / "run.duckdb"


def refused(store, query, **bounds):
    with pytest.raises(UserError) as caught:
        ask(store, query, **bounds)
    return str(caught.value)


def test_a_question_is_answered_from_the_store(store):
    answer = ask(store, "SELECT idx, round(255 * margin) AS m FROM margin ORDER BY idx DESC -- the last first")
    assert answer.table["idx"].tolist() == list(range(N))[::-1]
    assert answer.table["m"].unique().tolist() == [1.0]
    assert not answer.truncated


@pytest.mark.parametrize(
    "query",
    ["FROM margin", "WITH a AS (SELECT 1) SELECT * FROM a", "DESCRIBE margin", "SHOW TABLES", "SUMMARIZE margin",
     "EXPLAIN SELECT 1", "VALUES (1), (2)", "SELECT 1;", "  SELECT 1 ; -- done"],
)  # fmt: skip
def test_every_way_of_reading_works(store, query):
    assert len(ask(store, query).table) >= 1


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM margin", "DELETE does more"),
        ("INSERT INTO meta VALUES ('a', '1')", "INSERT does more"),
        ("UPDATE margin SET margin = 0", "UPDATE does more"),
        ("DROP TABLE margin", "DROP does more"),
        ("CREATE TABLE a (b INTEGER)", "CREATE does more"),
        ("ATTACH 'other.db'", "ATTACH does more"),
        ("COPY margin TO 'stolen.csv'", "COPY does more"),
        ("SET threads = 64", "SET does more"),
        ("PRAGMA database_list", "PRAGMA does more"),
        ("INSTALL httpfs", "LOAD does more"),
        ("CALL pragma_version()", "CALL does more"),
        ("SELECT 1; DROP TABLE margin", "one query at a time"),
        ("", "Write one query."),
        ("-- nothing", "Write one query."),
        ("SELEC 1", "Parser Error"),
        ("SELECT nothing FROM margin", "Binder Error"),
        ("EXPLAIN ANALYZE DELETE FROM margin", "read-only"),
    ],
)
def test_anything_else_than_one_question_is_refused_in_a_sentence(store, query, said):
    text = refused(store, query)
    assert said in text
    assert "\n" not in text
    assert len(reader.margins(store, 1)) == N


@pytest.mark.parametrize(
    "query",
    ["SELECT * FROM read_csv('{file}')", "SELECT * FROM '{file}'", "SELECT * FROM read_text('{file}')",
     "SELECT * FROM glob('{folder}/*')", "SELECT * FROM read_blob('{file}')", "SELECT * FROM parquet_scan('{file}')",
     "SELECT * FROM read_json('{file}')", "SELECT * FROM 'https://example.org/a.csv'"],
)  # fmt: skip
def test_no_file_can_be_read(store, tmp_path, query):
    secret = tmp_path / "secret.csv"
    secret.write_text("password\nhunter2\n")
    text = refused(store, query.format(file=secret, folder=tmp_path))
    assert "hunter2" not in text


def test_no_variable_of_the_process_can_be_read(store):
    import pandas as pd

    secret = pd.DataFrame({"password": ["hunter2"]})
    assert "does not exist" in refused(store, "SELECT * FROM secret")
    assert len(secret) == 1


def test_settings_stay_locked(store):
    assert "disabled" in refused(store, "SELECT * FROM read_csv('x.csv')")
    locked = ask(store, "SELECT value FROM duckdb_settings() WHERE name = 'enable_external_access'").table
    assert locked["value"].tolist() == ["false"]


def test_only_so_many_rows_come_and_the_answer_says_that_there_are_more(store):
    answer = ask(store, "SELECT * FROM range(1000000000) t(n)", limit=7)
    assert answer.table["n"].tolist() == list(range(7))
    assert answer.truncated
    assert not ask(store, "SELECT * FROM range(7)", limit=7).truncated


def test_a_query_that_takes_too_long_is_stopped(store):
    endless = "SELECT count(*) FROM range(100000000) a(x), range(100000000) b(y) WHERE a.x * b.y % 7 = 3"
    assert refused(store, endless, seconds=0.3) == "The query took longer than 0.3 s: ask for less at once."


def test_a_query_that_needs_too_much_memory_is_stopped(store):
    text = refused(store, "SELECT list(n) AS l FROM range(300000000) t(n)", seconds=60)
    assert "more than 512MB of memory" in text


def test_long_texts_are_cut(store):
    (text,) = ask(store, "SELECT repeat('x', 1000000) AS t").table["t"]
    assert text == "x" * LONGEST + "…"


def test_a_job_goes_on_writing_meanwhile(store):
    recorder = started(store, patience=5.0)
    endless = "SELECT count(*) FROM range(100000000) a(x), range(100000000) b(y) WHERE a.x * b.y % 7 = 3"
    asking = threading.Thread(target=lambda: refused(store, endless, seconds=0.5))
    asking.start()
    recorder.epoch(epoch(2))
    asking.join()
    recorder.flush()
    assert reader.last_epoch(store) == 2


def test_the_tables_are_listed_with_their_columns(store):
    found = tables(store).set_index("table")["columns"]
    assert found["margin"] == "epoch SMALLINT, idx INTEGER, margin FLOAT, clean_ok BOOLEAN, adv_ok BOOLEAN"
    assert "gauge" in found


def test_a_run_without_a_store_has_empty_tables(tmp_path):
    assert ask(tmp_path / "none.duckdb", "SELECT * FROM margin").table.empty


def test_columns_of_one_name_are_told_apart(store):
    assert list(ask(store, "SELECT 1 AS a, 2 AS a, 3 AS b").table.columns) == ["a", "a_1", "b"]
