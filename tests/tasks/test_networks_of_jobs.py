"""Training with networks beside the table: what is refused, told and noted."""

import pytest
import torch

from smd import nets
from smd.config.importing import ImportConfig
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.nets import memory
from smd.runs import folders
from smd.store import reader
from smd.tasks import network_facts
from smd.tasks.files import save_weights
from smd.tasks.import_weights import import_run
from smd.tasks.opening import network_and_images
from smd.tasks.train import train_run
from smd.training import network_checks

OWN = """
import torch
from torch import nn

class Noisy(nn.Module):
    def __init__(self, size, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(size, 16), nn.ReLU())
        self.last = nn.Linear(16, classes)

    def forward(self, x):
        x = self.body(x)
        return self.last(x + 0.01 * torch.randn_like(x))

def build(shape, classes):
    return Noisy(shape[0] * shape[1] * shape[2], classes)
"""
QUICK = {"epochs": 1, "n_train": 60, "n_test": 20, "n_margins": 0, "batch": 16, "device": "cpu"}


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "nets").mkdir()
    monkeypatch.setenv("SMD_NETS", str(tmp_path / "nets"))
    file = tmp_path / "nets" / "mine.py"
    file.write_text(OWN)
    return file


def test_an_own_network_is_trained_and_what_to_beware_of_is_kept(own):
    run = folders.create(TrainConfig(net="mine.py:build", **QUICK), claim=True)
    train_run(run)
    meta = reader.meta(run.store)
    assert len(meta["network_file"]) == 64
    (caution,) = meta["network_cautions"]
    assert "random when it is judged" in caution
    assert caution in run.card.read_text()
    assert network_facts.changed_since(run) == ""
    own.write_text(OWN + "# another\n")
    assert "mine.py has changed since the run began" in network_facts.changed_since(run)
    model = nets.of_config(run.config, (1, 8, 8), 10)
    with pytest.raises(UserError, match=r"mine\.py has changed since the run began \(SHA-256"):
        network_facts.facts_of(run, run.config, model, (1, 8, 8), print)


def test_an_import_tells_what_to_beware_of_too(own, tmp_path):
    model = nets.build("mine.py:build", (1, 8, 8), 10)
    save_weights(tmp_path / "file.safetensors", model, {})
    config = ImportConfig(
        file=str(tmp_path / "file.safetensors"), net="mine.py:build", device="cpu"
    )
    run = folders.create(config, claim=True)
    import_run(run)
    (caution,) = reader.meta(run.store)["network_cautions"]
    assert "random when it is judged" in caution
    assert caution in run.card.read_text()


def test_every_bad_network_is_refused_when_the_run_is_made(own):
    for name, said in (
        ("absent.py:build", "There is no file"),
        ("mine.py:built", "no function 'built'"),
        ("../mine.py:build", "There is no network"),
        ("torchvision:resnet19", "did you mean"),
    ):
        with pytest.raises(UserError, match=said):
            folders.create(TrainConfig(net=name, **QUICK), claim=True)
    assert folders.all_runs() == []


def test_what_cannot_fit_is_refused_before_training_starts(monkeypatch):
    config = TrainConfig(net="torchvision:resnet18", **QUICK)
    network_checks.refuse_unbuilt(config, (3, 32, 32), 4, torch.device("cpu"))
    monkeypatch.setattr(memory, "memory_of", lambda *_: 2**20)
    with pytest.raises(UserError, match=r"torchvision:resnet18: A step on 16 images takes at"):
        network_checks.refuse_unbuilt(config, (3, 32, 32), 4, torch.device("cpu"))


def test_looking_draws_no_random_number():
    config, drawn = TrainConfig(net="torchvision:regnet_y_400mf", **QUICK), torch.get_rng_state()
    network_checks.refuse_unbuilt(config, (3, 32, 32), 4, torch.device("cpu"))
    assert torch.equal(torch.get_rng_state(), drawn)


@pytest.mark.slow
def test_a_network_of_torchvision_trains_and_is_attacked():
    """Behind a normalisation, with batch norm and dropout, on gray images."""
    asked = {**QUICK, "n_train": 32, "n_test": 10, "mean": (0.5,), "std": (0.25,)}
    run = folders.create(TrainConfig(net="torchvision:mobilenet_v3_small", **asked), claim=True)
    train_run(run)
    assert run.weights.exists()
    assert "network_cautions" not in reader.meta(run.store)
    model, _ = network_and_images(run, "test", torch.device("cpu"))
    assert "network.features.0.0.weight" in model.state_dict()
    assert model.eval().features(torch.rand(2, 1, 8, 8)).shape == (2, 1024)
