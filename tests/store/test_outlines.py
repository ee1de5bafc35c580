"""What lists say of a run is kept, and believed as long as its store is the very same file."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from storing import attack, epoch, started

from smd.paths import AROUND
from smd.store import outlines, reader


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.duckdb"


def same(one, two):
    return one.meta == two.meta and all(a.equals(b) for a, b in zip(one[1:], two[1:], strict=True))


def by_another_process(path):
    """Nothing of it is in memory yet."""
    outlines._outline.cache_clear()
    return reader.outline(path)


def test_a_store_is_opened_once_and_again_when_it_has_changed(path, opened):
    recorder = started(path)
    recorder.epoch(epoch(1))
    attack(recorder, ok=(1, 0))
    recorder.flush()
    opened.clear()
    first = reader.outline(path)
    assert opened == [str(path)]
    assert reader.outline(path) is first
    again = by_another_process(path)
    assert opened == [str(path)]
    assert same(first, again)
    assert same(again, reader.brief(path))  # types and all
    assert again.accuracies.dtypes.equals(first.accuracies.dtypes)
    attack(recorder, ok=(1, 0, 1), created=2.0)
    recorder.flush()
    opened.clear()
    assert len(reader.outline(path).accuracies) == len(first.accuracies) + 1
    assert opened == [str(path)]


def test_another_file_in_its_place_is_opened(path, opened):
    recorder = started(path)
    recorder.flush()
    before = reader.outline(path)
    copy = path.with_name("copy.duckdb")
    copy.write_bytes(path.read_bytes())
    os.utime(copy, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    copy.replace(path)
    opened.clear()
    assert same(reader.outline(path), before)
    assert opened == [str(path)]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"made": 1}', "null"])
def test_what_is_no_such_file_is_not_believed(path, opened, content):
    started(path).flush()
    before = reader.outline(path)
    outlines._file(path).write_text(content)
    opened.clear()
    assert same(by_another_process(path), before)
    assert opened == [str(path)]


def test_where_nothing_can_be_kept_it_is_read_all_the_same(path, monkeypatch):
    started(path).flush()
    monkeypatch.setenv("SMD_STATE", "/proc/no-such-place")
    assert same(reader.outline(path), reader.brief(path))


def test_the_older_half_goes_where_there_are_too_many(path, monkeypatch, tmp_path):
    monkeypatch.setattr(outlines, "MOST", 4)
    monkeypatch.setenv("SMD_STATE", str(tmp_path / "state"))
    for number in range(5):
        place = path.with_name(f"{number}.duckdb")
        started(place).flush()
        reader.outline(place)
    assert len(list(outlines._file(path).parent.iterdir())) == 3
    assert outlines._file(place).exists()


def test_a_run_without_a_store_has_an_empty_outline(path):
    assert reader.outline(path).accuracies.empty


def test_outlines_are_had_ahead_and_what_cannot_be_read_is_left(path, opened, tmp_path):
    started(path).flush()
    broken = tmp_path / "broken.duckdb"
    broken.write_text("no store")
    opened.clear()
    reader.ahead([broken, tmp_path / "none", path]).join()
    opened.clear()
    assert same(reader.outline(path), reader.outline(path))
    assert opened == []


def test_a_process_that_ends_waits_for_the_store_that_is_read_ahead_and_begins_no_other(tmp_path):
    program = """
import atexit, sys, threading
from pathlib import Path
from smd.store import outlines, reader
begun, may, read = threading.Event(), threading.Event(), []
join = threading.Thread.join

def waited_for(thread, timeout=None):
    may.set()
    join(thread, timeout)

def slow(store):
    begun.set()
    may.wait()
    read.append(store)

outlines.outline = slow
atexit.register(lambda: print(len(read)))  # the last to be called
reader.ahead([Path("one"), Path("two"), Path("three")])
begun.wait()
threading.Thread.join = waited_for
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=AROUND, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr


def test_an_outline_that_cannot_be_kept_leaves_nothing_behind(path, monkeypatch, tmp_path):
    monkeypatch.setenv("SMD_STATE", str(tmp_path / "state"))
    started(path).flush()

    def full(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    reader.outline(path)
    assert list(outlines._file(path).parent.iterdir()) == []
