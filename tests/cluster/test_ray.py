"""A real Ray cluster of two nodes on this machine; skipped without Ray, as in CI."""

import os

import pytest
from test_head import (
    assert_alike,
    cancelled_after,
    checkpoint,
    config,
    queued_again,
    rows,
)

from smd import jobs
from smd.cluster import by_ray, head
from smd.config.schema import AttackConfig
from smd.errors import UserError
from smd.jobs import doing
from smd.paths import AROUND
from smd.runs import folders
from smd.store import connection

ray = pytest.importorskip("ray")
SMALL = {"include_dashboard": False, "object_store_memory": 10**8, "num_cpus": 1}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, own_cache):
    """Two nodes that have a cache of their own."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        path = os.pathsep.join([str(AROUND), os.environ.get("PYTHONPATH", "")])
        patch.setenv("PYTHONPATH", path)
        patch.setenv("SMD_CACHE", str(tmp_path_factory.mktemp("nodes")))
        made = Cluster(initialize_head=True, head_node_args=SMALL)
        made.second = made.add_node(num_cpus=1, object_store_memory=10**8)
    os.environ["SMD_CLUSTER"] = made.address
    yield made
    os.environ.pop("SMD_CLUSTER")
    ray.shutdown()
    made.shutdown()


def verdicts(run, folder):
    query = "SELECT idx, ok, pred, distance, stage FROM attack_result WHERE attack_id IN"
    query += " (SELECT id FROM attack WHERE job = $job) ORDER BY ALL"
    with connection.reading(run.store) as con:
        return con.execute(query, {"job": folder.name}).fetchall()


@pytest.mark.slow(60)
def test_verdicts_of_two_nodes_and_a_run_through_the_loss_of_one(cluster, monkeypatch):
    here = folders.create(config("cpu"), claim=True)
    doing.do(here.folder, here.log)
    trained, found = rows(here), {}
    for device, devices in (("cpu", ""), ("ray", "2")):
        levels = {"levels": (0.1,), "n": 20, "batch": 4, "seeds": (0,)}
        asked = AttackConfig(here.id, device=device, devices=devices, **levels)
        folder = folders.create_job(here, asked, claim=True)
        doing.do(folder, folder / "log.txt")
        assert jobs.read(folder).state == "finished"
        found[device] = verdicts(here, folder)
    assert len(found["cpu"]) == 40
    assert found["ray"] == found["cpu"]

    killed, whole = [], by_ray.RayHand.call

    def call(self, name, *args):
        answer = whole(self, name, *args)
        if name == "events" and not killed and any(map(checkpoint, answer)):
            killed.append(name)
            self._ray.kill(self.handle)  # its process dies, as with its node
        return answer

    monkeypatch.setattr(by_ray.RayHand, "call", call)
    there = folders.create(config(), claim=True)
    head.do(there.folder, there.log, "ray")
    assert killed
    assert "another one goes on" in there.log.read_text()
    assert there.status.state == "finished"
    assert rows(there) == trained


@pytest.mark.slow(60)
def test_two_nodes_train_what_one_process_does_through_the_loss_of_one(cluster, monkeypatch):
    here = folders.create(config("cpu"), claim=True)
    doing.do(here.folder, here.log)
    killed, whole = [], by_ray.RayHand.call

    def call(self, name, *args):
        answer = whole(self, name, *args)
        if name == "events" and self.helpers and not killed and any(map(checkpoint, answer)):
            killed.append(name)
            self._ray.kill(self.helpers[0].handle)
        return answer

    monkeypatch.setattr(by_ray.RayHand, "call", call)
    run = folders.create(config(devices="2"), claim=True)
    head.do(run.folder, run.log, "ray")
    assert killed
    assert "Its node is lost (that of rank 1" in run.log.read_text()
    assert run.status.state == "finished"
    assert_alike(run, here)

    run = folders.create(config(devices="2"), claim=True)
    cancelled_after(1, run, monkeypatch)
    queued_again(run, "")
    head.do(run.folder, run.log, "ray")
    assert run.status.state == "finished"
    assert_alike(run, here)


def test_more_devices_than_the_cluster_has_are_refused(cluster):
    run = folders.create(config(devices="3"), claim=True)
    with pytest.raises(UserError, match="3 devices are asked for and the cluster has 2 CPUs"):
        head.do(run.folder, run.log, "ray")
