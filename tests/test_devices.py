"""Devices by name: queues without torch, what a name may be, and what this machine lacks."""

import subprocess
import sys

import pytest

from smd import devices
from smd.errors import UserError


def test_devices_share_queues_by_what_they_mean():
    assert devices.queue("cuda") == devices.queue("cuda:0") == "cuda:0"
    assert devices.queue("cuda:1") == "cuda:1"


@pytest.mark.parametrize("there, name", [(True, "cuda:0"), (False, "cpu")])
def test_auto_is_guessed_from_nvidias_files(monkeypatch, tmp_path, there, name):
    monkeypatch.setattr(devices, "NVIDIA", (tmp_path if there else tmp_path / "none",))
    assert devices.queue("auto") == name


def test_names_are_told_without_torch():
    code = (
        "import sys; from smd import devices; devices.queue('auto'), devices.problems('cuda')\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda", "cuda:0", "cuda:12", "mps"])
def test_known_devices_are_no_problem(name):
    assert devices.is_name(name) and devices.problems(name) == []


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cuda:²", "cpu:0", "CUDA", "auto "])
def test_other_devices_are_refused_with_the_choice(name):
    (sentence,) = devices.problems(name)
    assert sentence == f"There is no device '{name}': write auto, cpu, cuda, cuda:1 or mps."


def test_a_stored_config_may_name_a_device_of_a_later_version():
    assert devices.is_name("xpu:1") and not devices.is_name("/dev/null")


def test_a_device_that_is_not_there_is_explained():
    with pytest.raises(UserError, match="no device cuda:63"):
        devices.resolve_device("cuda:63")


def test_the_cpu_is_there():
    assert devices.resolve_device("cpu").type == "cpu"
