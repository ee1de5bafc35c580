"""The other ranks of a training as the head sees them: where they meet, who is lost and why."""

import pytest
from test_head import config, ended

from smd.cluster import together
from smd.cluster.hands import Lost
from smd.cluster.together import Others
from smd.errors import UserError
from smd.ranks import meeting
from smd.runs import folders


class Rank:
    """A node of another rank, which says this."""

    device, address = "cpu", "10.0.0.2"

    def __init__(self, *events, lost=""):
        self.orders, self._events, self._lost = [], events, lost

    def call(self, name, *args):
        if name != "events":
            self.orders.append((name, *args))
            return 29500
        if self._lost:
            raise Lost(self._lost)
        return [(k, event) for k, event in enumerate(self._events, 1) if k > args[0]]


def others(*ranks, lines=None):
    """Those ranks, begun; the first one's node."""
    first = Rank()
    first.helpers, first.address = ranks, "10.0.0.1"
    run = folders.create(config())
    found = Others(first, (lines if lines is not None else []).append)
    order = {"config": {"device": "cpu"}, "files": {f"runs/{run.id}/last.pt": 1, "config": 2}}
    assert found.begin(order, run) == {"size": 1 + len(ranks)}
    return found, first


def test_ranks_meet_at_the_first_ones_address_and_get_its_state_from_it():
    rank = Rank()
    found, first = others(rank)
    assert first.orders == [("meet", "10.0.0.1")]
    place = {"size": 2, "host": "10.0.0.1", "port": 29500, "rank": 1, "address": "10.0.0.2"}
    order = {"config": {"device": "cpu"}, "files": {"config": 2}}
    assert rank.orders == [("follow", order, place)]
    found.look()


def test_where_a_rank_is_gone_the_first_may_tell_why_for_a_moment(monkeypatch):
    found, _ = others(Rank(), Rank(lost="no power"))
    found.look()
    monkeypatch.setattr(together, "LEAVING", 0.0)
    with pytest.raises(Lost, match="that of rank 2: no power"):
        found.look()


def test_what_a_rank_cannot_do_ends_the_job_with_its_reason(monkeypatch):
    monkeypatch.setattr(together, "LEAVING", 0.0)
    lines = {"kind": "lines", "lines": ["Traceback"]}
    said = []
    found, _ = others(Rank(lines, ended("failed", "Memory is short.")), lines=said)
    with pytest.raises(UserError, match="Rank 1 of this training has ended: Memory is short"):
        found.look()
    assert said == ["Rank 1: Traceback"]


def test_a_rank_that_was_lost_is_told_before_those_that_only_lost_it(monkeypatch):
    found, _ = others(Rank(ended("lost", "Another process")), Rank(lost="no power"))
    assert "rank 2: no power" in str(found.lost())
    monkeypatch.setattr(together, "LEAVING", 0.0)
    found, _ = others(Rank(ended("lost", "Another process")))
    found.look()
    assert str(found.lost()) == "its ranks have lost each other"


def test_a_rank_that_has_ended_with_the_training_may_be_lost():
    rank = Rank(ended("finished"))
    found, _ = others(rank)
    found._ask()
    rank._lost = "it was taken back"
    assert found._seen == {}
    found._ask()
    found.look()


def test_a_port_that_nobody_listens_at_is_told(monkeypatch):
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        monkeypatch.setenv(name, "lo")
    store = meeting.opened("127.0.0.1", 5.0)
    there = meeting.reached("127.0.0.1", store.port, "127.0.0.1", 5.0)
    there.set("word", "heard")
    assert store.get("word") == b"heard"
    monkeypatch.setattr(meeting, "COMING", 0.5)
    with pytest.raises(UserError, match=r"127.0.0.1 does not reach port 9 of 127.0.0.1"):
        meeting.reached("127.0.0.1", 9, "127.0.0.1", 5.0)


def test_ranks_exchange_by_the_interface_of_the_clusters_address():
    assert meeting.interface("127.0.0.1") == "lo"
    assert meeting.interface("192.0.2.1") == ""
