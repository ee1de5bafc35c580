"""Hands: they answer, leave with the job's process however it ends, and their end is told."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from waiting import until

from smd import children, crew
from smd.crew import Hand, Lost

HAND = """
import sys, time
from smd.crew import Orders
orders = Orders(int(sys.argv[-1]))
while True:
    order = orders.next()
    if order == "leave":
        orders.answer("its memory is short.")
        sys.exit(3)
    if order == "hang":
        time.sleep(600)
    orders.answer(order * 2)
"""
JOB = f"""
import sys, time
from smd import children, crew
children.command = lambda module, *words: [sys.executable, "-c", {HAND!r}, *words]
with crew.crew(["A"], [["x"]], {{}}) as (hand,):
    hand.send("hang")
    print(hand.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hands that need no torch."""
    words = lambda module, *words: [sys.executable, "-c", HAND, *words]  # noqa: E731
    monkeypatch.setattr(children, "command", words)


@contextmanager
def one(name: str = "Process 2 of 3 of this job, on cuda:1,") -> Iterator[Hand]:
    with crew.crew([name], [["deal"]], {}) as (hand,):
        yield hand


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_hands_answer_and_none_is_left() -> None:
    with crew.crew(["A", "B"], [["x"], ["y"]], {}) as hands:
        for k, hand in enumerate(hands):
            hand.send(k)
        assert [hand.receive() for hand in hands] == [0, 2]
        pids = [hand.pid for hand in hands]
    assert all(map(gone, pids))


def test_a_body_that_fails_leaves_none_either() -> None:
    with pytest.raises(ValueError), one() as hand:
        hand.send("hang")
        raise ValueError
    assert gone(hand.pid)


def test_a_hand_that_is_killed_is_told_by_its_name() -> None:
    with one() as hand:
        hand.send("hang")
        os.kill(hand.pid, signal.SIGKILL)
        with pytest.raises(Lost, match=r"^Process 2 of 3 .* was ended by SIGKILL, as where memory"):
            hand.receive()


def test_what_a_hand_said_last_is_told() -> None:
    with one() as hand:
        hand.send("leave")
        hand._process.wait()
        assert "ended with status 3 (its memory is short): resume" in str(hand.lost())
        with pytest.raises(Lost):
            for _ in range(100):  # the first orders may still fit into the socket
                hand.send("x" * 10**5)


def test_the_first_that_ends_is_told_while_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "LOOK", 0.02)
    told: list[Lost] = []
    with crew.crew(["A", "B"], [["x"], ["y"]], {}) as hands, crew.watched(hands, told.append):
        hands[1].send("leave")
        until(lambda: told, "it to be told")
    assert [str(lost).partition(" ")[0] for lost in told] == ["B"]


def test_a_hand_that_does_not_leave_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    with one() as hand:
        hand.send(1)
        assert hand.receive() == 2
        os.kill(hand.pid, signal.SIGSTOP)
        monkeypatch.setattr(crew, "GRACE", 0.1)
    assert gone(hand.pid)


def test_hands_leave_where_the_jobs_process_is_killed() -> None:
    job = subprocess.Popen([sys.executable, "-c", JOB], stdout=subprocess.PIPE, text=True)
    assert job.stdout
    pid = int(job.stdout.readline())
    assert not gone(pid)
    job.kill()
    job.wait()
    until(lambda: gone(pid), "the hand to leave")
