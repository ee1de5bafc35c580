"""The Train page lists the devices: what they are, who uses them, and what may be asked for."""

from paging import open_page, words

from app.forms.device import MOST, counts, named
from app.sections.devices import row
from smd import devices
from smd.config.schema import TrainConfig
from smd.jobs.overview import Device
from smd.runs import folders

GIB = 2**30


def test_a_device_is_offered_with_its_memory_and_whether_it_is_in_use(tmp_path):
    gpu = Device("cuda:1", "NVIDIA H100", 80 * GIB, 79 * GIB, working=[tmp_path])
    assert named("cuda:1", gpu) == "cuda:1 · NVIDIA H100, 79.0 GiB of 80.0 GiB free, in use"
    assert named("cuda:1", Device("cuda:1", "", at_once=2)) == "cuda:1 · 2 jobs at a time"
    assert named("cuda:9", None) == "cuda:9"
    assert row(Device("cuda:1", "", problem="Broken."))["Now"] == "cannot be used"


def test_the_train_page_has_every_device_and_who_waits(own_runs, monkeypatch):
    monkeypatch.setenv(devices.SETTING, "cpu:2,1")
    folders.create(TrainConfig())
    folders.create(TrainConfig(device="cuda:1"))
    app = open_page("train")
    (table,) = [each.value for each in app.dataframe if "Waiting for it" in each.value]
    assert list(table["Device"]) == ["cpu", "cuda:1"]
    assert list(table["Waiting for it"]) == [0, 1]
    assert "1 job waits for any free device." in words(app)
    assert "for cuda:1" in words(app).replace("\u2060", "")
    (field,) = [box for box in app.selectbox if box.key == "train-device"]
    assert [option.partition(" ")[0] for option in field.options] == ["auto", "cpu", "cuda:1"]
    monkeypatch.setenv(devices.SETTING, "gpu")
    assert "write all, numbers of GPUs" in words(open_page("train"))


def test_a_ray_cluster_is_offered_counts_and_slurm_one_node(monkeypatch):
    monkeypatch.setenv(devices.SETTING, "cpu:2,ray:3,slurm")
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert counts("cpu") == ["all", "2"]
    assert counts("ray") == [str(count) for count in range(2, MOST + 1)]
    assert counts("slurm") == []
