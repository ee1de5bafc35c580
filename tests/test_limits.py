"""How much memory a process may take: what is given, what a control group says, odd sizes."""

import re
import subprocess
import sys

import pytest

from smd import limits
from smd.errors import UserError


@pytest.mark.parametrize(
    ("text", "count"),
    [("2GiB", 2**31), ("500MB", 5 * 10**8), ("1.5 gi", 3 * 2**29), ("1048576", 2**20)],
)
def test_a_size_is_read_as_it_is_written(text, count):
    assert limits.size(text) == count


@pytest.mark.parametrize("text", ["much", "2 PiB", "-1GiB", "1000", "inf", "9" * 400])
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(UserError, match="write it as 2GiB"):
        limits.size(text)


def test_the_smallest_limit_counts_and_is_named(monkeypatch):
    monkeypatch.delenv(limits.GIVEN, raising=False)
    whole = limits.memory()
    monkeypatch.setenv(limits.GIVEN, "64MiB")
    assert (limits.memory(), limits.told()) == (2**26, "SMD_MEMORY")
    monkeypatch.setenv(limits.GIVEN, "100TB")
    assert limits.memory() == whole


def test_a_control_group_is_bounded_by_those_above_it(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "GROUPS", tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.setattr(limits, "_groups", lambda: [(tmp_path / "a" / "b", "memory.max")])
    (tmp_path / "a" / "b" / "memory.max").write_text("max\n")
    assert limits._of_group() is None
    (tmp_path / "a" / "memory.max").write_text("3000000\n")
    assert limits._of_group() == 3_000_000


# Threads that take memory at the same time, and how many places glibc has for them then.
THREADS = """
import ctypes, sys, threading
from smd import limits
if sys.argv[1] == "share":
    limits.share_memory_among_threads()
libc, together = ctypes.CDLL(None), threading.Barrier(12)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
def take():
    together.wait()
    libc.malloc(ctypes.c_size_t(1000))
    together.wait()
threads = [threading.Thread(target=take) for _ in range(12)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
libc.malloc_info(0, ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w")))
libc.fflush(None)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's")
def test_threads_share_the_places_that_memory_is_taken_from():
    def places(word):
        command = [sys.executable, "-c", THREADS, word]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return len(re.findall("<heap nr=", told))

    assert places("share") <= limits.PLACES < places("alone")
