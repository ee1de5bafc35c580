"""Stores from elsewhere: only our own tables are read, in bounded time and memory, else one
sentence says why."""

import threading
import time

import duckdb
import pytest

from smd.errors import UserError
from smd.store import connection, query, reader, run_tables, stranger
from smd.store.connection import writing
from smd.store.sql import Query
from tests.hostile import making_stores as making
from tests.hostile.making_stranger import put

PROMPT = 5.0  # seconds of processor time in which a refusal has come, on a busy machine, too


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.duckdb"


def refusal(act):
    """The one sentence of what is refused soon."""
    began = time.process_time()
    with pytest.raises(UserError) as caught:
        act()
    assert time.process_time() - began < PROMPT
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("case", making.STATEMENTS)
def test_what_is_not_ours_is_refused_by_readers_writers_and_queries(path, case):
    making.store(path, making.STATEMENTS[case])
    before = path.read_bytes()
    said = refusal(lambda: reader.meta(path))
    assert "The store" in said
    assert "The store" in refusal(lambda: reader.last_epoch(path))
    assert "The store" in refusal(lambda: query.tables(path))
    assert "The store" in refusal(lambda: query.ask(path, "SELECT * FROM meta"))
    if "less" not in case:  # a writer does not look at what it does not need
        assert "The store" in refusal(lambda: writing(path).__enter__())
    assert path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("thing", making.OTHERS)
def test_what_is_no_ordinary_file_is_neither_opened_nor_waited_for(path, tmp_path, thing):
    victim = tmp_path / "victim"
    making.store(victim)
    before = victim.read_bytes()
    put(path, thing, victim)
    for act in (
        lambda: reader.meta(path),
        lambda: query.ask(path, "SELECT 1"),
        lambda: writing(path).__enter__(),
    ):
        assert "no ordinary file" in refusal(act)
    assert victim.read_bytes() == before
    assert not victim.with_name("gone").exists()


@pytest.mark.parametrize("thing", making.OTHERS)
def test_nor_is_the_log_beside_it(path, tmp_path, thing):
    making.store(path)
    (tmp_path / "victim").write_text("mine")
    put(path.with_name("run.duckdb.wal"), thing, tmp_path / "victim")
    assert "no ordinary file" in refusal(lambda: reader.meta(path))
    assert "no ordinary file" in refusal(lambda: writing(path).__enter__())
    assert (tmp_path / "victim").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize("value", making.CLASSES, ids=lambda value: value[:9])
def test_classes_that_are_no_names_are_one_sentence(path, value):
    making.described(path, "classes", value)
    assert "description" in refusal(lambda: reader.class_names(path))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value"), [("shape", "5"), ("shape", "[-1, 2, 3]"), ("delta", '"x"'), ("images", "[]")]
)
def test_so_are_other_descriptions(path, key, value):
    making.described(path, key, value)
    assert "description" in refusal(lambda: reader.meta(path))


@pytest.mark.slow
def test_a_small_file_of_very_many_rows_does_not_fill_the_memory(path, monkeypatch):
    assert making.huge(path, 3_000_000) < 2**24
    assert "more than 2,000,000 rows" in refusal(lambda: reader.metrics(path))


def test_a_table_larger_than_any_of_ours_is_not_opened(path, monkeypatch):
    monkeypatch.setattr(stranger, "MOST_ROWS", 1000)
    making.huge(path, 2000)
    assert "more than can be" in refusal(lambda: reader.meta(path))


def test_reading_ends_in_time(path, monkeypatch):
    monkeypatch.setattr(connection, "LONGEST", 0.3)
    making.store(path)
    endless = (
        "SELECT count(*) FROM range(10000000) a(x), range(10000000) b(y) WHERE a.x * b.y % 7 = 3"
    )
    assert "took longer than 0.3 s" in refusal(lambda: run_tables.frame(path, Query(dict, endless)))


def test_a_store_that_was_sound_is_looked_at_again_when_it_has_changed(path):
    making.store(path)
    assert reader.last_epoch(path) == 1
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE VIEW v AS SELECT 1")
    assert "views" in refusal(lambda: reader.last_epoch(path))


def test_the_columns_that_are_expected_are_those_that_are_made(path):
    with writing(path) as con:
        made = {row[:3] for row in con.execute(stranger.COLUMNS).fetchall()}
    assert made == stranger._whole()


@pytest.mark.slow
def test_only_so_many_queries_are_answered_at_once(path, monkeypatch):
    making.store(path)
    at_once, most, lock = 0, 0, threading.Lock()
    run = query.subprocess.run

    def watched(*words, **options):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        try:
            return run(*words, **options)
        finally:
            with lock:
                at_once -= 1

    monkeypatch.setattr(query.subprocess, "run", watched)
    threads = [threading.Thread(target=query.ask, args=(path, "SELECT 1")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 < most <= query.AT_ONCE
    monkeypatch.setattr(query, "TURN", 0.0)
    monkeypatch.setattr(query, "TURNS", threading.BoundedSemaphore(1))
    with query.TURNS:
        assert "try again" in refusal(lambda: query.ask(path, "SELECT 1"))


def test_a_description_of_a_small_file_does_not_fill_the_memory(path):
    making.store(path)
    with duckdb.connect(str(path)) as con:
        con.execute(
            "INSERT INTO meta SELECT 'note', '\"' || repeat('x', 4000) || '\"' FROM range(30000)"
        )
    assert "more than 10,000 rows" in refusal(lambda: reader.meta(path))
    with duckdb.connect(str(path)) as con:
        con.execute("DELETE FROM meta WHERE key = 'note'")
        con.execute("INSERT INTO meta SELECT 'note', repeat('x', 50000000) FROM range(2)")
    assert "description" in refusal(lambda: reader.meta(path))


def test_texts_are_cut_and_tables_are_bounded_in_bytes_and_time(path, monkeypatch):
    making.store(path)
    with duckdb.connect(str(path)) as con:
        con.execute("INSERT INTO epoch_metric SELECT 1, repeat('x', 9000), 'loss', 0, 1")
        con.execute("INSERT INTO epoch_metric SELECT 1, 'train', 'loss', 0, 1 FROM range(100000)")
    assert reader.metrics(path)["split"].str.len().max() == 4096
    with monkeypatch.context() as patched:
        patched.setattr(run_tables, "BYTES", 2**20)
        assert "more than 1 MB" in refusal(lambda: reader.metrics(path))
    monkeypatch.setattr(run_tables.time, "monotonic", iter(range(0, 10**6, 20)).__next__)
    assert "took longer than" in refusal(lambda: reader.metrics(path))
