"""What a machine computes with, read from what drivers and nvidia-smi say."""

import os

import pytest

from smd import hardware

LINES = """0, GPU-aa11, NVIDIA H100 80GB HBM3, 81559, 80000
1, GPU-bb22, NVIDIA H100 80GB HBM3, 81559, [N/A]
nonsense
"""


@pytest.fixture
def two(tmp_path, monkeypatch):
    """A machine whose driver shows two GPUs."""
    monkeypatch.delenv(hardware.VISIBLE, raising=False)
    monkeypatch.setattr(hardware, "DRIVER", tmp_path / "gpus")
    for address in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / "gpus" / address).mkdir(parents=True)


def test_gpus_are_counted_by_the_driver_or_by_what_a_container_has(two, tmp_path, monkeypatch):
    assert hardware.visible() == ("0", "1")
    monkeypatch.setattr(hardware, "DRIVER", tmp_path / "none")
    monkeypatch.setattr(hardware, "NODES", tmp_path)
    assert hardware.visible() == ()
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert hardware.visible() == ("0",)


@pytest.mark.parametrize(
    "given, seen",
    [
        ("1", ("1",)),
        ("1,0", ("1", "0")),
        ("", ()),
        ("-1", ()),
        ("0,7,1", ("0",)),
        ("GPU-bb22, 0", ("GPU-bb22", "0")),
        ("MIG-11/2/0", ("MIG-11/2/0",)),
        ("MIG-../../x", ()),
    ],
)
def test_cuda_visible_devices_is_read_as_cuda_reads_it(two, monkeypatch, given, seen):
    monkeypatch.setenv(hardware.VISIBLE, given)
    assert hardware.visible() == seen


def test_nvidia_smi_is_asked_once_in_a_while_for_names_and_memory(tmp_path, monkeypatch):
    program, asked = tmp_path / "nvidia-smi", tmp_path / "asked"
    program.write_text(f"#!/bin/sh\necho x >> '{asked}'\ncat <<'END'\n{LINES}END\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(hardware, "_answer", (float("-inf"), ()))
    first, second = hardware.gpu("0"), hardware.gpu("GPU-bb")
    assert first == hardware.Gpu(
        0, "GPU-aa11", "NVIDIA H100 80GB HBM3", 81559 * 2**20, 80000 * 2**20
    )
    assert (second.index, second.free) == (1, 0)
    assert hardware.gpu("MIG-1") is None
    assert asked.read_text() == "x\n"
    monkeypatch.setattr(hardware, "_answer", (float("-inf"), ()))
    program.write_text("#!/bin/sh\nexit 9\n")
    assert hardware.gpu("0") is None
