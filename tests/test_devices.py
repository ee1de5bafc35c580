"""Devices by name: queues without torch, what a name may be, and what this machine lacks."""

import subprocess
import sys

import pytest

from smd import devices, hardware
from smd.errors import UserError


def test_devices_share_queues_by_what_they_mean():
    assert devices.queue("cuda") == devices.queue("cuda:0") == "cuda:0"
    assert devices.queue("cuda:1") == "cuda:1"


@pytest.fixture
def gpus(monkeypatch):
    """A machine of so many GPUs: call it with a number."""
    return lambda count: monkeypatch.setattr(hardware, "_count", lambda: count)


@pytest.mark.parametrize(
    "setting, slots",
    [
        ("", ("cuda:0", "cuda:1", "cuda:2")),
        ("all", ("cuda:0", "cuda:1", "cuda:2")),
        ("1", ("cuda:1",)),
        (" 2, cuda:0,2", ("cuda:2", "cuda:0")),
        ("cpu", ("cpu",)),
        ("cpu:3", ("cpu", "cpu:1", "cpu:2")),
        ("0,cpu", ("cuda:0", "cpu")),
        ("mps", ("mps",)),
        ("0,ray:2", ("cuda:0", "ray", "ray:1")),
    ],
)
def test_auto_is_what_the_machine_has_and_what_may_be_used_of_it(gpus, monkeypatch, setting, slots):
    gpus(3)
    monkeypatch.setenv(devices.SETTING, setting)
    assert devices.slots("auto") == devices.pool() == slots


def test_a_cluster_of_the_environment_is_what_auto_means(gpus, monkeypatch):
    gpus(1)
    monkeypatch.delenv(devices.SETTING, raising=False)
    monkeypatch.setenv(devices.CLUSTER, "ray://head:10001")
    assert len(devices.slots("auto")) == devices.AT_ONCE
    assert set(map(devices.device_of, devices.pool())) == {"ray"}
    assert devices.slots("cuda:0") == ("cuda:0",)  # which may still be named
    assert not devices.guessed()
    monkeypatch.setenv(devices.CLUSTER, "slurm")
    assert devices.pool()[:2] == ("slurm", "slurm:1")
    monkeypatch.delenv(devices.CLUSTER)
    assert devices.pool() == ("cuda:0",)
    assert devices.slots("ray")[:2] == ("ray", "ray:1")  # a job may name it


def test_a_cluster_is_no_device_of_this_machine():
    assert devices.problems("ray") == []
    with pytest.raises(UserError, match="done on this machine, not by ray"):
        devices.resolve_device("ray")


def test_without_a_gpu_auto_is_the_cpu_as_far_as_is_known(gpus, monkeypatch):
    monkeypatch.delenv(devices.SETTING, raising=False)
    gpus(0)
    assert devices.pool() == ("cpu",) and devices.guessed()
    assert devices.slots("mps") == ("mps",)  # torch will say whether it is there
    monkeypatch.setenv(devices.SETTING, "cpu")
    assert not devices.guessed()
    assert devices.resolve_device("auto").type == "cpu"


@pytest.mark.parametrize("setting", ["gpu", "0,,1", "cpu:0", "cuda", "-1", "0;1", "cuda:1234"])
def test_a_setting_that_says_nothing_is_explained(monkeypatch, setting):
    monkeypatch.setenv(devices.SETTING, setting)
    with pytest.raises(
        UserError, match="write all, numbers of GPUs such as 0,1, cpu, ray or slurm"
    ):
        devices.pool()
    assert devices.problems("auto")[0].startswith("SMD_DEVICES is '")


def test_a_device_that_is_left_out_is_a_problem(monkeypatch):
    monkeypatch.setenv(devices.SETTING, "0,1")
    assert devices.problems("cuda") == devices.problems("auto") == []
    assert devices.problems("cuda:2") == [
        "SMD_DEVICES=0,1 leaves cuda:2 out: choose auto, or set SMD_DEVICES otherwise."
    ]


def test_a_gpus_locks_are_named_by_what_it_is_in_the_machine(gpus, monkeypatch):
    gpus(3)
    monkeypatch.delenv(hardware.VISIBLE, raising=False)
    assert devices.lock_name("cuda:1") == "cuda:1"
    monkeypatch.setenv(hardware.VISIBLE, "2,GPU-ab")
    assert [devices.lock_name(s) for s in devices.pool()] == ["cuda:2", "cuda:GPU-ab"]
    assert (devices.lock_name("cuda:5"), devices.lock_name("cpu:1")) == ("cuda:5", "cpu:1")


def test_a_job_works_where_it_was_given_a_slot(gpus, monkeypatch):
    gpus(0)
    monkeypatch.setenv(devices.SETTING, "cuda:7,cpu:2")
    monkeypatch.setenv(devices.TURN, "cpu:1 5")
    assert devices.given() == ("cpu:1",)
    assert devices.resolve_device("auto").type == "cpu"
    monkeypatch.setenv(devices.TURN, "../x 5")
    assert devices.given() == ()
    with pytest.raises(UserError, match="no device cuda:7"):
        devices.resolve_device("auto")


def test_names_are_told_without_torch():
    code = (
        "import sys; from smd import devices; devices.pool(), devices.problems('cuda')\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda", "cuda:0", "cuda:12", "mps"])
def test_known_devices_are_no_problem(name):
    assert devices.is_name(name) and devices.problems(name) == []


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cuda:²", "cpu:0", "CUDA", "auto "])
def test_other_devices_are_refused_with_the_choice(name):
    (sentence,) = devices.problems(name)
    assert sentence == f"There is no device '{name}': write {devices.CHOICE}."


def test_a_stored_config_may_name_a_device_of_a_later_version():
    assert devices.is_name("xpu:1") and not devices.is_name("/dev/null")


def test_a_device_that_is_not_there_is_explained():
    with pytest.raises(UserError, match="no device cuda:63"):
        devices.resolve_device("cuda:63")


def test_the_cpu_is_there():
    assert devices.resolve_device("cpu").type == "cpu"
