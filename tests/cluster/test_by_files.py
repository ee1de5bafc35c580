"""Calls by files of a shared folder, and what Slurm is asked for."""

import sys
import threading

import pytest
from test_head import config, rows
from waiting import until

from smd.cluster import by_files, by_slurm, head
from smd.cluster.by_files import FileHand, serve
from smd.cluster.hands import Lost
from smd.errors import UserError
from smd.jobs import doing
from smd.runs import folders

waits = {"long": threading.Event()}


class Echo:
    """A node that gives back what it gets."""

    def say(self, *words):
        return words

    def refuse(self):
        raise UserError("No")

    def fail(self, error):
        raise error

    def wait(self, event):
        waits[event].wait(60)
        return "done"


@pytest.fixture
def shared(tmp_path, monkeypatch):
    monkeypatch.setattr(by_files, "POLL", 0.001)
    folder = tmp_path / "calls"
    folder.mkdir(mode=0o700)
    return folder


def test_answers_come_back_until_the_folder_is_gone(shared):
    node = threading.Thread(target=serve, args=(shared, Echo()))
    node.start()
    hand = FileHand(shared, "cpu", lambda: "")
    assert hand.call("say", 1, b"two") == (1, b"two")
    with pytest.raises(UserError, match="No"):
        hand.call("refuse")
    assert hand.call("say") == ()
    assert {path.name for path in shared.iterdir()} <= {"alive", ".alive.partial"}
    shared.rename(shared.with_name("gone"))
    node.join(60)
    assert not node.is_alive()


def test_a_node_whose_process_is_gone_is_lost(shared):
    with pytest.raises(Lost, match="job 7 is preempted"):
        FileHand(shared, "cpu", lambda: "job 7 is preempted").call("say")


def test_a_node_that_is_not_heard_of_is_lost(shared, monkeypatch):
    monkeypatch.setattr(by_files, "SILENT", -1.0)
    with pytest.raises(Lost, match="nothing is heard"):
        FileHand(shared, "cpu", lambda: "").call("say")
    serve(shared, Echo())  # and it leaves where nobody calls


def test_a_folder_that_others_can_look_into_is_not_served(shared):
    shared.chmod(0o770)
    with pytest.raises(UserError, match="not yours alone"):
        serve(shared, Echo())


def test_what_slurm_is_asked_for_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("SMD_SLURM", "partition=gpu, gpus_per_node=1,time=600")
    asked = by_slurm.settings()
    assert asked == {"cpus_per_task": 1, "time": 600, "partition": "gpu", "gpus_per_node": 1}
    for wrong in ("partition", "time=", "a b=1"):
        monkeypatch.setenv("SMD_SLURM", wrong)
        with pytest.raises(UserError, match="write names with values"):
            by_slurm.settings()


def test_without_submitit_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with (
        pytest.raises(UserError, match=r"pip install smd-studio\[slurm\]"),
        by_slurm.hired(lambda: None),
    ):
        pass


@pytest.mark.slow(15)
def test_a_training_by_submitit_is_the_one_of_this_machine(monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("SMD_SLURM", "local")
    here = folders.create(config("cpu"), claim=True)
    doing.do(here.folder, here.log)
    there = folders.create(config("slurm"), claim=True)
    head.do(there.folder, there.log, "slurm")
    assert there.status.state == "finished"
    assert rows(there) == rows(here)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "full|space"),
        (MemoryError(), "MemoryError"),
        (ValueError("odd"), "odd"),
    ],
)
def test_what_fails_on_a_node_is_told_and_the_node_goes_on(shared, error, said):
    node = threading.Thread(target=serve, args=(shared, Echo()))
    node.start()
    hand = FileHand(shared, "cpu", lambda: "")
    with pytest.raises(UserError, match=said):
        hand.call("fail", error)
    with pytest.raises(UserError):
        hand.call("nothing")
    assert hand.call("say", 1) == (1,)
    shared.rename(shared.with_name("gone"))
    node.join(60)
    assert not node.is_alive()


def test_a_node_gives_signs_of_life_while_a_call_takes_long(shared):
    node = threading.Thread(target=serve, args=(shared, Echo()))
    node.start()
    hand = FileHand(shared, "cpu", lambda: "")
    answers = []
    calling = threading.Thread(target=lambda: answers.append(hand.call("wait", "long")))
    calling.start()
    until(lambda: (shared / "call-0").exists())
    first = by_files._content(shared / "alive")
    until(lambda: by_files._content(shared / "alive") not in (b"", first))
    assert not answers
    waits["long"].set()
    calling.join(60)
    assert answers == ["done"]
    shared.rename(shared.with_name("gone"))
    node.join(60)
