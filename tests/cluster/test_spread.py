"""Portions on several nodes: in order, once where all goes well, again where a node is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from smd.cluster.hands import Lost
from smd.cluster.node import Node
from smd.cluster.spread import WINDOW, Spread
from smd.dealing.dealer import DONE, FAILED, MEMORY, REFUSED
from smd.errors import UserError


class Nodes:
    """A pool whose nodes answer the last ticket first; those of `losing` are gone once they have
    begun so many."""

    def __init__(self, nodes, losing=None, answers=None):
        self.nodes, self._losing, self._answers = list(nodes), losing or {}, answers or {}
        self.begun, self._tickets = [], {}

    def start(self, node, portion):
        self.begun.append((node, portion))
        number = len(self.begun)
        alone = sum(other == node for other, _ in self.begun)
        self._tickets[number] = (portion, alone > self._losing.get(node, 10**9))
        return number

    def done(self, tickets, seconds):
        return tickets[-1:]

    def answer(self, ticket):
        portion, lost = self._tickets.pop(ticket)
        if lost:
            self.known = len(self.begun)  # from here on
            raise Lost("it is gone")
        return self._answers.get(portion, (DONE, portion * portion))


def calm():
    pass


def test_a_job_knows_among_how_many_its_batches_are_dealt():
    assert Spread(Nodes("abc"), calm).count == 3


def test_results_come_in_order_whoever_was_quicker():
    pool = Nodes("ab")
    assert list(Spread(pool, calm)(range(20))) == [k * k for k in range(20)]
    assert sorted(portion for _, portion in pool.begun) == list(range(20))
    assert {node for node, _ in pool.begun} == {"a", "b"}


def test_what_a_lost_node_had_is_done_by_another():
    pool = Nodes("abc", losing={"b": 2})
    assert list(Spread(pool, calm)(range(20))) == [k * k for k in range(20)]
    assert len(pool.begun) > 20
    assert "b" not in [node for node, _ in pool.begun[pool.known :]]


def test_without_any_node_left_the_job_is_told():
    with pytest.raises(Lost, match="all nodes that helped"):
        list(Spread(Nodes("ab", losing={"a": 1, "b": 1}), calm)(range(20)))


def test_results_that_wait_are_bounded():
    pool = Nodes("ab")
    results = Spread(pool, calm)(range(100))
    assert next(results) == 0
    assert max(portion for _, portion in pool.begun) <= 2 * WINDOW


@pytest.mark.parametrize(
    "how, raised", [(MEMORY, torch.OutOfMemoryError), (REFUSED, UserError), (FAILED, RuntimeError)]
)
def test_what_a_node_cannot_do_is_raised_here(how, raised):
    with pytest.raises(raised, match="why"):
        list(Spread(Nodes("a", answers={3: (how, "why")}), calm)(range(5)))


def test_a_job_that_shall_stop_does():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(Spread(Nodes("a"), stop)(range(3)))


def test_a_node_does_one_portion_at_a_time(monkeypatch):
    """Some attacks seed torch's own generator, which all threads share."""
    together, clashes = threading.Lock(), []

    def done(do, portion):
        if not together.acquire(blocking=False):
            clashes.append(portion)
            return DONE, portion
        started.wait(0.2)  # as long as another one may take to come in
        together.release()
        return DONE, portion

    monkeypatch.setattr("smd.cluster.node.done", done)
    node, started = Node(), threading.Event()
    node._do = object()
    with ThreadPoolExecutor(2) as calls:
        answers = list(calls.map(node.portion, range(2)))
    assert answers == [(DONE, 0), (DONE, 1)]
    assert clashes == []
