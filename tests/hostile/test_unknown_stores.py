"""A store that nobody here knows is opened by another process first.

What ends that one ends no dashboard.
"""

import shutil
import signal
import sys

import pytest

from smd.errors import UserError
from smd.store import reader, trust
from smd.store.connection import writing
from tests.hostile import making_stores as making

ENDED = "import os, sys; sys.stdin.readline(); os.kill(os.getpid(), {})"
HANGING = "import time; time.sleep(600)"


@pytest.fixture
def started(monkeypatch):
    """The processes that are started to open stores, none of which is left by another test."""
    seen, start = [], trust.subprocess.Popen
    monkeypatch.setattr(trust, "_process", None)
    monkeypatch.setattr(
        trust.subprocess, "Popen", lambda *a, **k: seen.append(start(*a, **k)) or seen[-1]
    )
    yield seen
    for process in seen:
        process.kill()
        process.wait()


@pytest.fixture
def path(tmp_path):
    """A store that came as a file."""
    making.store(tmp_path / "made.duckdb")
    return shutil.copy(tmp_path / "made.duckdb", tmp_path / "run.duckdb")


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_store_that_ends_the_process_is_told_and_not_opened_again(
    path, started, monkeypatch, how
):
    monkeypatch.setattr(trust, "COMMAND", (sys.executable, "-c", ENDED.format(int(how))))
    for act in (
        lambda: reader.meta(path),
        lambda: reader.metrics(path),
        lambda: writing(path).__enter__(),
    ):
        with pytest.raises(UserError, match=rf"ended the program that opened it \({how.name}\)"):
            act()
    assert len(started) == 1


def test_a_store_that_takes_for_ever_is_told(path, started, monkeypatch):
    monkeypatch.setattr(trust, "COMMAND", (sys.executable, "-c", HANGING))
    monkeypatch.setattr(trust, "LIMIT", 0.2)
    with pytest.raises(UserError, match=r"took longer than 0\.2 s to open"):
        reader.meta(path)
    assert started[0].poll() is not None


@pytest.mark.slow
def test_a_sound_store_is_opened_there_once_and_known_to_all_processes(path, tmp_path, started):
    assert reader.meta(path) == reader.meta(tmp_path / "made.duckdb")
    reader.metrics(path)
    assert len(started) == 1
    trust._known.clear()  # as in another process
    trust._process = None
    reader.meta(path)
    assert len(started) == 1
    with making.duckdb.connect(str(path)) as con:
        con.execute("CREATE VIEW more AS SELECT 1")
    with pytest.raises(UserError, match="has views"):
        reader.meta(path)
    assert len(started) == 2


@pytest.mark.slow
def test_a_process_that_has_gone_for_want_of_questions_is_started_again(path, tmp_path, started):
    reader.meta(path)
    started[0].send_signal(signal.SIGALRM)
    started[0].wait()
    reader.meta(shutil.copy(path, tmp_path / "another.duckdb"))
    assert len(started) == 2


def test_our_own_stores_are_never_asked_about(tmp_path, started):
    making.store(tmp_path / "run.duckdb")
    reader.meta(tmp_path / "run.duckdb")
    making.started(tmp_path / "run.duckdb").epoch(making.epoch(2))
    assert reader.last_epoch(tmp_path / "run.duckdb") == 2
    assert started == []


@pytest.mark.slow
@pytest.mark.parametrize("known", [True, False])
def test_names_that_are_no_text_are_one_sentence(tmp_path, started, known):
    path = tmp_path / "run.duckdb"
    making.crafted(path, b"epoch_metric", b"epoch_m\xfftric")
    if not known:
        path = shutil.copy(path, tmp_path / "copied.duckdb")
    with pytest.raises(
        UserError, match=r"The results in .* cannot be read|which SMD Studio never makes"
    ):
        reader.meta(path)
    assert len(started) == (not known)
