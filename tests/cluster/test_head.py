"""Jobs on nodes: the same results as on this machine, through the loss of one; what is refused."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from standing_in import Cluster, Scripted, do_elsewhere

from smd import jobs
from smd.cluster import head, sources
from smd.cluster.hands import Lost, Wanted
from smd.config.schema import AttackConfig, TrainConfig
from smd.errors import UserError
from smd.jobs import doing, launch, transitions
from smd.jobs.session import Cancelled
from smd.runs import folders
from smd.store import connection

ROWS = {
    "margin": "SELECT * FROM margin ORDER BY ALL",
    "attack_result": "SELECT * FROM attack_result ORDER BY ALL",
    "sample": "SELECT * FROM sample ORDER BY ALL",
    "metric": "SELECT * FROM epoch_metric WHERE name NOT IN"
    " ('seconds', 'samples_per_s', 'finished_at') ORDER BY ALL",
}


def rows(run):
    with connection.reading(run.store) as con:
        return {name: con.execute(query).fetchall() for name, query in ROWS.items()}


def config(device="ray", **fields):
    return TrainConfig(
        epochs=3, n_train=60, n_test=20, n_margins=0, batch=32, device=device, **fields
    )


def on(monkeypatch, cluster):
    monkeypatch.setattr(head, "hire_of", lambda kind: cluster.hired)
    return cluster


def checkpoint(event):
    return event[1]["kind"] == "file" and event[1]["name"] == "last.pt"


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The training as this machine does it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMD_RUNS", str(tmp_path_factory.mktemp("here")))
        run = folders.create(config("cpu"))
        do_elsewhere(run.folder, run.log)
    return run


@pytest.mark.slow
def test_a_training_that_loses_its_node_is_the_one_of_this_machine(here, monkeypatch, tmp_path):
    cluster = on(monkeypatch, Cluster(tmp_path / "cache", checkpoint))
    there = folders.create(config(), claim=True)
    head.do(there.folder, there.log, "ray")
    assert there.status.state == "finished"
    assert there.status.device == "ray"
    assert rows(there) == rows(here)
    one, two = load_file(here.weights), load_file(there.weights)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert {p.name for p in there.adv.iterdir()} == {p.name for p in here.adv.iterdir()}
    first, second = cluster.hands  # the images were sent to the cache that both have
    assert "put" in first.calls
    assert "put" not in second.calls
    log = there.log.read_text()
    assert "Its node is lost (its process is gone): another one goes on." in log
    assert "Resumed after epoch" in log

    verdicts = {}
    for name in ("cpu", "ray"):
        asked = AttackConfig(there.id, n=20, seeds=(0,), batch=8, device=name, levels=(0.1,))
        folder = folders.create_job(there, asked, claim=True)
        (doing.do if name == "cpu" else lambda f, log: head.do(f, log, "ray"))(folder, None)
        assert jobs.read(folder).state == "finished"
        with connection.reading(there.store) as con:
            query = "SELECT idx, ok, pred, distance, stage FROM attack_result WHERE attack_id IN"
            query += " (SELECT id FROM attack WHERE job = $job) ORDER BY ALL"
            verdicts[name] = con.execute(query, {"job": folder.name}).fetchall()
    assert len(verdicts["cpu"]) == 40
    assert verdicts["ray"] == verdicts["cpu"]


def assert_alike(one, other):
    """Flags are equal, numbers are to float noise."""
    first, second = rows(one), rows(other)
    assert first["sample"] == second["sample"]
    assert len(first["margin"]) == 3 * 60
    for name, noise in (("margin", 1e-5), ("metric", 1e-4)):
        for a, b in zip(first[name], second[name], strict=True):
            assert [type(x) for x in a] == [type(y) for y in b]
            apart = [
                isinstance(x, float) and x != pytest.approx(y, abs=noise)
                for x, y in zip(a, b, strict=True)
            ]
            assert not any(apart), (a, b)
            assert [x for x in a if not isinstance(x, float)] == [
                y for y in b if not isinstance(y, float)
            ]
    weights = load_file(one.weights), load_file(other.weights)
    assert all(torch.allclose(weights[0][k], weights[1][k], atol=1e-5) for k in weights[0])


def cancelled_after(epoch, run, monkeypatch):
    """Do a training on the cluster until that epoch has come."""
    followed = head.Head._heard

    def heard(self, event, known):
        record = event.get("record", {})
        if record.get("call") == "epoch":
            self.session.stopping |= record["args"][0]["epoch"] == epoch
        followed(self, event, known)

    with monkeypatch.context() as patch:
        patch.setattr(head.Head, "_heard", heard)
        with pytest.raises(Cancelled):
            head.do(run.folder, run.log, "ray")
    assert run.status.state == "cancelled"


def queued_again(run, devices):
    """As `smd resume --devices` does."""
    transitions.change(
        run.folder,
        lambda old: replace(transitions.moved(run.folder, old, "queued"), devices=devices),
    )


@pytest.mark.slow(15)
def test_ranks_on_nodes_train_what_this_machine_does(here, monkeypatch, tmp_path):
    """Two begin, of which one is lost; two go on and are cancelled; three end it."""
    cluster = on(monkeypatch, Cluster(tmp_path / "cache", epochs=1))
    run = folders.create(config(devices="2"), claim=True)
    cancelled_after(2, run, monkeypatch)
    queued_again(run, "3")
    head.do(run.folder, run.log, "ray")
    assert run.status.state == "finished"
    log = run.log.read_text()
    assert "and 1 more node work on it, with cpu." in log
    assert "Its node is lost (that of rank 1: its process is gone): another one goes on." in log
    assert "Resumed after epoch 1, batch 0." in log
    assert cluster.wanted == [Wanted(1, True), Wanted(1, True, again=True), Wanted(2, True)]
    assert [hand.calls.count("stop") for hand in cluster.hands] == [0, 0, 1, 0, 0, 0, 0]
    left = [hand for hand in cluster.hands if "close" not in hand.calls]
    assert left == []  # nothing of the run stays on a node
    assert_alike(run, here)


def test_other_code_on_a_node_is_refused(monkeypatch):
    cluster = on(monkeypatch, Scripted("0" * 64))
    run = folders.create(config(), claim=True)
    with pytest.raises(UserError, match="node-1 has another version of SMD Studio"):
        head.do(run.folder, run.log, "ray")
    assert run.status.state == "failed"
    assert cluster.calls == ["hello", "close"]


def test_nodes_that_are_lost_again_and_again_end_the_job(monkeypatch):
    cluster = on(monkeypatch, Scripted("", lost=True))
    run = folders.create(config(), claim=True)
    with pytest.raises(UserError, match=r"lost 3 times before anything came \(no power\)"):
        head.do(run.folder, run.log, "ray")
    assert cluster.calls.count("hello") == head.LOSSES
    launch_again = transitions.move(run.folder, "queued")
    assert launch_again.device == "ray"  # a resumed job goes to the cluster, too


class Dying(Scripted):
    """A node that says what every training says first, and is gone."""

    def call(self, name, *args):
        answer = super().call(name, *args)
        if name == "events" and not answer:
            raise Lost("no memory")
        return answer

    @contextmanager
    def hired(self, alive, wanted):
        start = {"call": "start", "args": [{}, {}, [], [], {}]}
        self._events = [{"kind": "record", "record": start}]
        yield self


def test_a_node_that_only_begins_and_is_lost_each_time_ends_the_job(monkeypatch):
    cluster = on(monkeypatch, Dying(sources.digest()))
    run = folders.create(config(), claim=True)
    with pytest.raises(UserError, match=r"lost 3 times before anything came \(no memory\)"):
        head.do(run.folder, run.log, "ray")
    assert cluster.calls.count("begin") == head.LOSSES


def ended(state, error=""):
    return {"kind": "end", "state": state, "error": error}


def test_a_job_tells_why_it_failed_on_its_node(monkeypatch):
    lines = {"kind": "lines", "lines": ["Loading.\x1b[2J", "x" * 10**5]}
    progress = {"kind": "progress", "stage": "training", "done": 1, "total": 3, "eta": float("nan")}
    bad = progress | {"done": "all", "rate": 2.5}
    events = [lines, progress, bad, ended("failed", "Too much memory: take a smaller batch.")]
    on(monkeypatch, Scripted(sources.digest(), events))
    run = folders.create(config(), claim=True)
    with pytest.raises(UserError, match="Too much memory"):
        head.do(run.folder, run.log, "ray")
    status = run.status
    assert (status.state, status.error) == ("failed", "Too much memory: take a smaller batch.")
    assert (status.stage, status.done, status.rate, status.eta) == ("training", 1, 2.5, -1.0)
    assert "\x1b" not in run.log.read_text()
    assert len(run.log.read_text()) < 6000


def test_a_cancelled_job_asks_its_node_to_stop_and_keeps_what_comes(monkeypatch):
    content = np.frombuffer(b"checkpoint", np.uint8)
    saved = {"kind": "file", "name": "last.pt", "content": content}
    events = [{"kind": "lines", "lines": []}, saved, ended("cancelled")]
    cluster = on(monkeypatch, Scripted(sources.digest(), events))
    run = folders.create(config(), claim=True)
    followed = head.Head._heard

    def heard(self, event, known):
        self.session.stopping = True
        followed(self, event, known)

    monkeypatch.setattr(head.Head, "_heard", heard)
    with pytest.raises(Cancelled):
        head.do(run.folder, run.log, "ray")
    assert run.status.state == "cancelled"
    assert cluster.calls[-1] == "close"  # nothing of the run stays on a node
    assert run.checkpoint.read_bytes() == b"checkpoint"
    assert cluster.calls.count("stop") == 1


def test_the_queue_gives_jobs_with_auto_to_the_cluster_of_the_environment(monkeypatch):
    monkeypatch.setenv("SMD_CLUSTER", "ray://head:10001")
    woken = []
    monkeypatch.setattr(launch, "_wake", lambda slot: woken.append(slot))
    for _ in range(3):
        launch.submit(folders.create(config("auto")).folder)
    assert set(woken) == {"ray", "ray:1", "ray:2"}


def test_a_job_with_a_cluster_is_handed_to_it(monkeypatch):
    asked = []
    monkeypatch.setattr(head, "do", lambda folder, log, kind: asked.append(kind))
    run = folders.create(config(), claim=True)
    doing.do(run.folder)
    assert asked == ["ray"]
