"""Several processes, or a hostile file, at one store."""

import logging
import signal
import subprocess
import sys
import threading
import time

import duckdb
import pytest
from storing import epoch, started
from waiting import until

from smd.errors import UserError
from smd.paths import AROUND as REPOSITORY
from smd.store import reader
from smd.store.connection import reading
from smd.store.writer import Recorder

PATIENCE = 60.0  # seconds; generous, as the machine may be busy

WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from smd.store.records import EpochRecord
from smd.store.writer import Recorder
path, n = Path(sys.argv[1]), 5000
recorder = Recorder(path)
recorder.start({"classes": ["a"]}, {"train": (np.zeros(n, int), np.arange(n))})
for epoch in range(1, 31):
    flags = np.ones(n, bool)
    margins = np.full(n, epoch / 255, np.float32)
    rows = [("train", "loss", 0.0, float(epoch))]
    recorder.epoch(EpochRecord(epoch, rows, margins, flags, flags, ~flags))
    while epoch == 15 and not (path.parent / "seen").exists():
        time.sleep(0.01)
recorder.flush()
"""

HOLDER = """
import sys, time
from pathlib import Path
import duckdb
folder = Path(sys.argv[1])
con = duckdb.connect(str(folder / "run.duckdb"))
con.begin()
con.execute("INSERT INTO epoch_metric SELECT 9, 'train', 'loss', 0, i FROM range(100000) AS t(i)")
con.execute("DELETE FROM margin")
(folder / "held").touch()
while not (folder / "release").exists():
    time.sleep(0.01)
con.rollback()
con.close()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.duckdb"


def python(code, argument):
    return subprocess.Popen([sys.executable, "-c", code, str(argument)], cwd=REPOSITORY)


@pytest.fixture
def hold(path):
    """Call it to let another process begin a transaction of its own; it goes when the file
    "release" appears."""
    processes = []

    def begin():
        processes.append(python(HOLDER, path.parent))
        until((path.parent / "held").exists)
        return processes[0]

    yield begin
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_reader_that_polls_sees_every_epoch_of_a_writer(path):
    writer = python(WRITER, path)
    seen, last, deadline = [], None, time.monotonic() + PATIENCE
    while writer.poll() is None or last != reader.stamp(path):
        assert time.monotonic() < deadline
        stamp = reader.stamp(path)
        if stamp == last:
            time.sleep(0.005)
            continue
        last = stamp
        seen.append(reader.last_epoch(path))
        assert len(reader.margins(path, seen[-1])) == (5000 if seen[-1] else 0)
        if seen[-1]:
            (path.parent / "seen").touch()
    assert writer.returncode == 0
    assert seen == sorted(seen)
    assert any(0 < epoch < 30 for epoch in seen)
    assert list(reader.sample_history(path, 4999)["epoch"]) == [*range(1, 31)]
    assert list(reader.metrics(path)["value"]) == [float(k) for k in range(1, 31)]


def test_a_kill_inside_a_transaction_loses_that_transaction_alone(path, hold):
    recorder = started(path)
    for number in (1, 2, 3):
        recorder.epoch(epoch(number))
    process = hold()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(reader.metrics(path)["epoch"]) == [1, 2, 3]
    assert len(reader.margins(path, 3)) == 6
    Recorder(path).epoch(epoch(4))
    assert list(reader.sample_history(path, 0)["epoch"]) == [1, 2, 3, 4]


@pytest.mark.slow
def test_a_locked_store_stops_no_training_and_gets_the_epoch_later(path, hold, caplog):
    recorder = started(path, patience=0.1)
    process = hold()
    with caplog.at_level(logging.WARNING):
        recorder.epoch(epoch(1))
        recorder.epoch(epoch(2))
    assert "2 records wait" in caplog.text
    with pytest.raises(UserError, match="in use by another program"):
        recorder.flush()
    (path.parent / "release").touch()
    assert process.wait(PATIENCE) == 0
    recorder.epoch(epoch(3))
    assert list(reader.metrics(path)["epoch"]) == [1, 2, 3]
    recorder.flush()
    assert list(reader.margin_summary(path)["epoch"]) == [1, 2, 3]


@pytest.mark.slow
def test_a_reader_waits_for_a_writer_to_let_go(path, hold):
    started(path).epoch(epoch(1))
    hold()
    threading.Timer(0.3, (path.parent / "release").touch).start()
    assert reader.last_epoch(path) == 1


def test_a_writer_waits_for_a_reader_of_the_same_process(path):
    recorder = started(path, patience=0.1)
    with reading(path) as con:
        recorder.epoch(epoch(1))
        assert con.execute("SELECT count(*) FROM epoch_metric").fetchall() == [(0,)]
    recorder.flush()
    assert reader.last_epoch(path) == 1


def test_a_newer_store_is_refused_and_left_alone(path):
    recorder = started(path)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    before = path.read_bytes()
    with pytest.raises(UserError, match="newer version of SMD Studio: update to open it"):
        reader.metrics(path)
    with pytest.raises(UserError, match="newer version"):
        recorder.start({}, {})
    recorder.epoch(epoch(1))
    with pytest.raises(UserError, match="newer version"):
        recorder.flush()
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no database " * 1000, b"\0" * 100_000])
def test_a_broken_file_says_so_in_one_sentence(path, content):
    path.write_bytes(content)
    with pytest.raises(UserError) as refused:
        reader.metrics(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    with pytest.raises(UserError):
        Recorder(path).start({}, {})


def test_a_store_cut_short_is_a_user_error(path):
    started(path).epoch(epoch(1))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError):
        reader.margins(path, 1)


def test_a_foreign_database_is_a_user_error(path):
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE t (a INTEGER)")
    with pytest.raises(UserError):
        reader.metrics(path)


def test_a_store_that_came_from_elsewhere_reaches_no_other_file(path, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\nhidden\n")
    started(path)
    with duckdb.connect(str(path)) as con:
        con.execute("DROP TABLE epoch_metric")
        con.execute(
            "CREATE VIEW epoch_metric AS SELECT 1 AS epoch, a AS split, a AS name, 0 AS eps, 0 AS"
            f" value FROM read_csv('{secret}')"
        )
        con.execute("SELECT * FROM epoch_metric")
    with pytest.raises(UserError, match="The store has views"):
        reader.metrics(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "order", ["SET enable_external_access = true", "ATTACH 'other.duckdb'", "LOAD httpfs"]
)
def test_an_open_store_cannot_be_unlocked(path, order):
    started(path)
    with pytest.raises(UserError), reading(path) as con:
        con.execute(order)


def test_a_crash_while_the_store_is_made_leaves_none(path):
    path.with_suffix(".partial").write_bytes(b"half a store")
    assert reader.last_epoch(path) == 0
    started(path).epoch(epoch(1))
    assert reader.last_epoch(path) == 1
    assert [file.name for file in path.parent.iterdir()] == ["run.duckdb"]


@pytest.mark.slow
@pytest.mark.parametrize("size", ["8k", "40k", "100k", "280k"])
def test_a_full_disk_leaves_no_store_without_its_tables(tmp_path, size):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], capture_output=True
    ).returncode:
        pytest.skip("Only root may mount a small disk.")
    try:
        with pytest.raises(UserError, match="free disk space"):
            started(disk / "run.duckdb", patience=0.1)
        assert not (disk / "run.duckdb").exists()
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        started(disk / "run.duckdb").epoch(epoch(1))
        assert reader.last_epoch(disk / "run.duckdb") == 1
    finally:
        subprocess.run(["umount", disk], check=True)
