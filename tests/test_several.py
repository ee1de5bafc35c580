"""Several devices for one job: what may be asked for, and what it comes to on a machine."""

import pytest

from smd import devices, hardware, several
from smd.config.schema import AttackConfig, TrainConfig, from_json, to_json
from smd.config.validation import of_attack, of_training
from smd.several import Need

GPUS = ("cuda:0", "cuda:1", "cuda:2")


@pytest.mark.parametrize(
    "text, slots, need",
    [
        ("", GPUS, Need(GPUS, 1, 1)),
        ("1", ("cpu",), Need(("cpu",), 1, 1)),
        ("all", (*GPUS, "cpu"), Need(GPUS, 3, 3)),  # devices of one kind
        ("2", GPUS, Need(GPUS, 2, 2)),
        ("2,0", GPUS, Need(("cuda:2", "cuda:0"), 2, 2)),
        ("4", ("cpu",), Need(("cpu",), 1, 4)),
        ("3", ("cpu", "cpu:1"), Need(("cpu", "cpu:1"), 2, 3)),
        ("all", ("cpu", "cpu:1"), Need(("cpu", "cpu:1"), 2, 2)),
    ],
)
def test_what_a_job_needs(text: str, slots: tuple[str, ...], need: Need) -> None:
    assert several.is_text(text)
    assert several.need(text, slots) == need


def test_what_a_machine_lacks_is_told() -> None:
    assert several.need("4", GPUS).lacking.startswith("4 devices are asked for and 3 GPUs may be")
    assert several.need("0,7", GPUS).lacking.startswith("cuda:7 is not among the devices")


@pytest.mark.parametrize(
    "text, device, said",
    [
        ("", "cuda:1", ""),
        ("2", "auto", ""),
        ("0,1", "auto", ""),
        ("2", "cpu", ""),
        ("all", "cpu", ""),
        ("two", "auto", "write all, a count such as 4, or numbers of GPUs such as 0,1."),
        ("0", "auto", "write all, a count"),
        ("0,", "auto", "write all, a count"),
        ("3", "auto", "3 devices are asked for and 2 GPUs may be used: ask for at most 2."),
        ("0,5", "auto", "cuda:5 is not among the devices"),
        ("1,01", "auto", "A device is named twice in 1,01"),
        ("0,0", "auto", "A device is named twice in 0,0"),
        ("0,1", "cpu", "on the CPU write a count of processes"),
        ("2", "cuda:1", "let --device be auto"),
        ("9", "cpu", "9 devices are asked for and 4 cores may be used: ask for at most 4."),
    ],
)
def test_what_cannot_be_is_one_sentence(
    text: str, device: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(devices.SETTING, raising=False)
    monkeypatch.setattr(hardware, "_count", lambda: 2)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    for found in (
        of_training(TrainConfig(device=device, devices=text)),
        of_attack(AttackConfig("run", device=device, devices=text)),
    ):
        assert len(found) == bool(said) and said in " ".join(found)


def test_a_run_of_earlier_has_no_such_field_and_a_file_may_not_hold_anything() -> None:
    values = to_json(TrainConfig())
    del values["devices"]
    assert from_json(TrainConfig, values) == TrainConfig()
    with pytest.raises(ValueError, match="devices must be all, a count"):
        from_json(TrainConfig, {**values, "devices": "0;1"})


def test_the_cores_are_shared_by_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    assert several.threads(several.need("4", ("cpu",)), 1) == 4
    assert several.threads(several.need("2", ("cpu", "cpu:1", "cpu:2", "cpu:3")), 4) == 4
    assert several.threads(several.need("99", ("cpu",)), 1) == 1


def test_several_processes_without_a_gpu_are_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(devices.SETTING, raising=False)
    monkeypatch.setattr(hardware, "_count", lambda: 0)
    assert several.device("auto", "2") == "cpu"  # torch would choose Apple's GPU
    assert several.device("auto", "") == several.device("auto", "1") == "auto"


@pytest.mark.parametrize(("where", "name"), [("ray", "auto"), ("", "ray")])
def test_a_cluster_takes_counts_and_slurm_has_one_node_for_a_job(
    where: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(devices.CLUSTER, where)
    monkeypatch.delenv(devices.SETTING, raising=False)
    assert several.problems("4", name) == []
    assert several.problems("all", name) == [
        "On a cluster write a count of devices, such as 4, not all."
    ]
    assert of_training(TrainConfig(device=name, devices="4")) == []
    for found in (
        of_training(TrainConfig(device="slurm", devices="4")),
        of_attack(AttackConfig("run", device="slurm", devices="4")),
    ):
        assert found == ["A job on Slurm has one node: leave --devices out."]
