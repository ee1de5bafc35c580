"""Questions in SQL: answers come from the store alone, and nothing else can be done."""

import shutil
import signal
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest
from conftest import known
from storing import N, attack, epoch, started

from smd.errors import UserError
from smd.paths import AROUND as REPOSITORY
from smd.store import query, query_process, reader
from smd.store.query import tables
from smd.store.query_examples import EXAMPLES, TABLES
from smd.store.query_process import LONGEST, WIDEST

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A store with an epoch and an attack; never write to it."""
    path = tmp_path_factory.mktemp("written") / "run.duckdb"
    recorder = started(path)
    recorder.epoch(epoch(1))
    attack(recorder)
    return path


@pytest.fixture
def store(written, tmp_path):
    (tmp_path / "run").mkdir()
    shutil.copy(written, tmp_path / "run")
    known(tmp_path)
    return tmp_path / "run" / written.name


def ask(store, words, seconds=60.0, **bounds):
    """Without haste: the machine may be busy, and few tests are about the clock."""
    return query.ask(store, words, seconds=seconds, **bounds)


def refused(store, query, **bounds):
    with pytest.raises(UserError) as caught:
        ask(store, query, **bounds)
    return str(caught.value)


def test_a_question_is_answered_from_the_store(store):
    answer = ask(
        store,
        "SELECT idx, round(255 * margin) AS m FROM margin ORDER BY idx DESC -- the last first",
    )
    assert answer.table["idx"].tolist() == list(range(N))[::-1]
    assert answer.table["m"].unique().tolist() == [1.0]
    assert not answer.truncated


def test_an_answer_does_not_wait_for_pandas():
    code = "import sys, smd.store.query_process; print('pandas' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "FROM margin",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "DESCRIBE margin",
        "SHOW TABLES",
        "SUMMARIZE margin",
        "EXPLAIN SELECT 1",
        "VALUES (1), (2)",
        "SELECT 1;",
        "  SELECT 1 ; -- done",
    ],
)
def test_every_way_of_reading_works(store, query):
    assert len(ask(store, query).table) >= 1


@pytest.mark.slow
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
        ("EXPLAIN ANALYZE COPY margin TO 'stolen.csv'", "disabled"),
        (
            "WITH a AS (INSERT INTO meta VALUES ('a', '1') RETURNING *) SELECT * FROM a",
            "data-modifying",
        ),
        ("UPDATE EXTENSIONS", "this does more"),
        ("CHECKPOINT", "CALL does more"),
        ("SELECT * FROM enable_profiling(save_location = 'stolen.json')", "locked"),
        ("SELECT * FROM enable_logging(storage = 'file', storage_path = 'stolen')", "locked"),
    ],
)
def test_anything_else_than_one_question_is_refused_in_a_sentence(store, query, said):
    text = refused(store, query)
    assert said in text
    assert "\n" not in text
    assert len(reader.margins(store, 1)) == N


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_blob('{file}')",
        "SELECT * FROM parquet_scan('{file}')",
        "SELECT * FROM read_json('{file}')",
        "SELECT * FROM 'https://example.org/a.csv'",
    ],
)
def test_no_file_can_be_read(store, tmp_path, query):
    secret = tmp_path / "secret.csv"
    secret.write_text("password\nhunter2\n")
    text = refused(store, query.format(file=secret, folder=tmp_path))
    assert "hunter2" not in text


def test_no_variable_of_a_process_can_be_read(store, monkeypatch):
    monkeypatch.setattr(
        query_process, "secret", pd.DataFrame({"password": ["hunter2"]}), raising=False
    )
    monkeypatch.setattr(signal, "setitimer", lambda which, seconds: None)
    with pytest.raises(UserError, match="does not exist"):
        query_process.answer(store, "SELECT * FROM secret", 1, 1.0)
    opened = {
        **query_process.BOUNDED,
        "python_enable_replacements": True,
        "enable_external_access": True,
    }
    monkeypatch.setattr(query_process, "BOUNDED", opened)
    # what these settings are for
    assert query_process.answer(store, "SELECT * FROM secret", 1, 1.0)[1] == [("hunter2",)]


def test_settings_stay_locked(store):
    assert "disabled" in refused(store, "SELECT * FROM read_csv('x.csv')")
    locked = ask(
        store, "SELECT value FROM duckdb_settings() WHERE name = 'enable_external_access'"
    ).table
    assert locked["value"].tolist() == ["false"]


@pytest.mark.slow
def test_only_so_many_rows_come_and_the_answer_says_that_there_are_more(store):
    answer = ask(store, "SELECT * FROM range(1000000000) t(n)", limit=7)
    assert answer.table["n"].tolist() == list(range(7))
    assert answer.truncated
    assert not ask(store, "SELECT * FROM range(7)", limit=7).truncated


@pytest.mark.slow
def test_a_query_that_takes_too_long_is_stopped(store):
    endless = (
        "SELECT count(*) FROM range(100000000) a(x), range(100000000) b(y) WHERE a.x * b.y % 7 = 3"
    )
    assert (
        refused(store, endless, seconds=0.3)
        == "The query took longer than 0.3 s: ask for less at once."
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "SELECT list(n) FROM range(300000000) t(n)",
        "SELECT repeat('x', 1000000000)",
        "SELECT range(200000000)",
        "SELECT n, count(*) FROM range(1000000000) t(n) GROUP BY n",
    ],
)
def test_a_query_that_needs_too_much_memory_is_stopped(store, query):
    assert "more than 512MB of memory" in refused(store, query)


def test_what_cannot_be_interrupted_is_stopped_in_time(store):
    start = time.monotonic()
    slow = "SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))"
    assert "took longer than 0.5 s" in refused(store, slow, seconds=0.5)
    assert time.monotonic() - start < 20


def test_a_process_that_breaks_off_is_a_sentence(store, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert (
        refused(store, "SELECT 1")
        == "The query broke off, most likely for want of memory: ask for less at once."
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "query", ["SELECT repeat('x', 1000000) AS t", "SELECT range(1000000) AS t FROM range(3)"]
)
def test_long_texts_and_lists_are_cut(store, query):
    for text in ask(store, query).table["t"]:
        assert len(text) == LONGEST + 1
        assert text.endswith("…")


def test_too_many_columns_are_refused(store):
    wide = "PIVOT (SELECT n FROM range(300) t(n)) ON n IN ({}) USING count(*)"
    columns = ", ".join(map(str, range(WIDEST + 1)))
    assert f"{WIDEST + 1} columns: ask for at most {WIDEST}" in refused(store, wide.format(columns))


def test_numbers_stay_numbers_and_everything_else_is_text(store):
    query = (
        "SELECT sum(idx) s, 1.5 d, true b, [1, 2] l, DATE '2026-01-02' t, NULL n, 'a\nb' q FROM"
        " margin"
    )
    table = ask(store, query).table
    assert table.iloc[0].tolist() == [15, 1.5, True, "[1, 2]", "2026-01-02", None, "a\nb"]


def test_a_job_goes_on_writing_meanwhile(store):
    recorder = started(store, patience=5.0)
    endless = (
        "SELECT count(*) FROM range(100000000) a(x), range(100000000) b(y) WHERE a.x * b.y % 7 = 3"
    )
    asking = threading.Thread(target=lambda: refused(store, endless, seconds=0.5))
    asking.start()
    recorder.epoch(epoch(2))
    asking.join()
    recorder.flush()
    assert reader.last_epoch(store) == 2


def test_every_table_is_listed_with_what_it_holds(store):
    found = tables(store).set_index("table")
    assert found["columns"]["margin"] == "epoch, idx, margin, clean_ok, adv_ok, crossed"
    assert set(found.index) == set(TABLES)
    assert found["holds"].str.len().min() > 10


def test_a_run_without_a_store_has_empty_tables(tmp_path):
    assert ask(tmp_path / "none.duckdb", "SELECT * FROM margin").table.empty
    assert not (tmp_path / "none.duckdb").exists()


def test_columns_of_one_name_are_told_apart(store):
    columns = ask(store, "SELECT 1 AS a, 2 AS a, 3 AS a_1").table.columns
    assert len(set(columns)) == 3


def example(store, start):
    (query,) = [query for title, query in EXAMPLES.items() if title.startswith(start)]
    return ask(store, query).table


def test_the_example_on_autoattack_tells_what_only_it_broke(store):
    recorder = started(store)
    withstood = (1, 1, 1, 0)
    attack(recorder, eps=2 / 255, ok=withstood)
    # breaks image 2 with another seed
    attack(recorder, eps=2 / 255, ok=(1, 1, 0, 0), seed=1, created=2.0)
    attack(recorder, eps=2 / 255, ok=(1, 1, 1, 1), norm="L2", created=3.0)
    stages = ("apgd-ce", "square")
    attack(recorder, "autoattack", eps=2 / 255, ok=(1, 0, 0, 0), stage=(-1, 2, 1, 1), stages=stages)
    attack(recorder, "autoattack", eps=4 / 255, ok=(0, 0, 0, 0), stage=(1, 1, 1, 1), stages=stages)
    kept = (1, 1, 1, 0)  # of another network, helped by others, on images picked by hand
    for number, fields in enumerate(
        ({"note": "weights=ema"}, {"note": "sound=yes"}, {"picked": True}), start=4
    ):
        fields = {**fields, "eps": 2 / 255, "created": float(number)}
        attack(recorder, ok=kept, seed=number, **fields)
        attack(recorder, "autoattack", ok=(0, 0, 0, 0), stage=(1, 1, 1, 1), stages=stages, **fields)
    found = example(store, "What AutoAttack fooled")
    assert found.values.tolist() == [["test", 1, 2.0, "square"]]


def test_the_example_on_shrinking_margins_looks_five_epochs_back(store):
    recorder = started(store)
    for number in range(2, 9):
        recorder.epoch(
            epoch(number, margins=[number / 255, (20 - number) / 255, *[1 / 255] * (N - 2)])
        )
    found = example(store, "Images whose margin shrank")
    assert found.values.tolist() == [[1, 17.0, 12.0]]


def test_the_example_on_epochs_has_the_slowest_first(store):
    recorder = started(store)
    for number, seconds in ((1, 4.0), (2, 9.0), (3, 6.0)):
        recorder.epoch(epoch(number, metrics=[("train", "seconds", 0.0, seconds)]))
    assert example(store, "Slowest")["epoch"].tolist() == [2, 3, 1]
