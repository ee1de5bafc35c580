"""Training that starts from weights of a file, of another run, or of a library."""

import re

import pytest
import torch
from safetensors.torch import load_file, save_file

import smd
from smd import data, nets
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.runs import folders
from smd.store import reader
from smd.tasks import starting
from smd.tasks.train import train_run
from smd.training.loop import prepare

CPU = torch.device("cpu")
SHORT = {"net": "small-cnn", "epochs": 1, "n_train": 60, "n_test": 10, "device": "cpu"}


def training(**options):
    return prepare(TrainConfig(**{**SHORT, **options}), data.load("digits"), CPU)


def saved(path, classes=10, mean=(), std=()):
    """Weights of a file, and the network that they are of."""
    torch.manual_seed(5)
    network = nets.build("small-cnn", (1, 8, 8), classes, mean, std)
    save_file(network.state_dict(), path)
    return network


def test_a_file_gives_the_very_logits_before_the_first_step(tmp_path):
    network, begun = (
        saved(tmp_path / "w.safetensors"),
        training(init=str(tmp_path / "w.safetensors")),
    )
    x = begun.sets.val.take(torch.arange(5)).x
    assert not torch.equal(begun.model(x), network(x))
    about = starting.start(begun)
    assert torch.equal(begun.model(x), network(x))
    assert (about["kind"], about["name"]) == ("file", "w.safetensors")
    assert about["sha256"] == starting.fingerprint(network.state_dict())


def test_the_fingerprint_is_of_the_tensors_and_not_of_the_file(tmp_path):
    network = saved(tmp_path / "w.safetensors")
    torch.save(network.state_dict(), tmp_path / "w.pt")
    told = [
        starting.start(training(init=str(tmp_path / name))) for name in ("w.safetensors", "w.pt")
    ]
    assert told[0]["sha256"] == told[1]["sha256"]
    state = network.state_dict()
    state["head.bias"] = state["head.bias"] + 1
    assert starting.fingerprint(state) != told[0]["sha256"]


def test_other_classes_get_a_new_head_and_are_told(tmp_path):
    network, begun = (
        saved(tmp_path / "w.safetensors", 3),
        training(init=str(tmp_path / "w.safetensors")),
    )
    own = begun.model.head.weight.clone()
    about = starting.start(begun)
    assert torch.equal(begun.model.head.weight, own)
    assert torch.equal(begun.model.body[0].weight, network.body[0].weight)
    assert any("head is new" in note for note in about["notes"])


def test_a_wrong_network_and_a_wrong_normalisation_are_one_sentence_each(tmp_path):
    path = tmp_path / "w.safetensors"
    torch.manual_seed(0)
    save_file(nets.build("fashion-cnn", (1, 28, 28), 10).state_dict(), path)
    with pytest.raises(UserError, match="do not fit the network"):
        starting.start(training(init=str(path)))
    saved(path, mean=(0.25,), std=(0.5,))
    with pytest.raises(UserError, match=re.escape("--mean 0.25 --std 0.5")):
        starting.start(training(init=str(path)))
    starting.start(training(init=str(path), mean=(0.25,), std=(0.5,)))


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"init": "nothing"}, "There is no file and no run 'nothing' to start from"),
        ({"init": "pretrained"}, "small-cnn has no pretrained weights"),
        ({"init": "pretrained", "net": "mine.py:build"}, ""),
    ],
)
def test_what_cannot_be_started_from_is_told_before_there_is_a_run(options, sentence, own_runs):
    config = TrainConfig(**{**SHORT, **options})
    told = folders.starting.problems(config, None)
    assert [text.startswith(sentence) for text in told] == [True] * bool(sentence)
    if sentence:
        with pytest.raises(UserError, match=sentence):
            folders.create(config)
        assert not list(own_runs.glob("*-*"))


@pytest.mark.slow
def test_a_run_is_kept_by_its_whole_id_said_on_the_card_and_not_asked_for_again(finished):
    first, _ = finished
    options = {**SHORT, "defense": "std", "recipe": "finetune", "init": first.id[-4:]}
    config = TrainConfig(**options)
    assert folders.as_kept(config).init == first.id
    run = folders.create(config, claim=True)
    source = first.weights.read_bytes()
    train_run(run)
    about = reader.meta(run.store)[starting.KEY]
    assert about["kind"] == "run"
    assert about["name"] == first.id == run.config.init
    assert about["sha256"] == starting.fingerprint(load_file(first.weights))
    assert f"run {first.id}" in run.card.read_text()
    assert f"Started from the run {first.id}" in "\n".join(starting.words(about))
    assert source == first.weights.read_bytes()


@pytest.mark.slow
def test_a_run_that_is_resumed_does_not_read_the_file_again(tmp_path, monkeypatch):
    path = tmp_path / "w.safetensors"
    saved(path)
    run = folders.create(TrainConfig(**SHORT, defense="std", init=str(path)), claim=True)

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("smd.tasks.train._train", stop)  # before the first step
        with pytest.raises(KeyboardInterrupt):
            train_run(run)
    about = reader.meta(run.store)[starting.KEY]
    path.unlink()
    smd.jobs.transitions.move(run.folder, "queued")
    smd.jobs.transitions.change(run.folder, smd.jobs.transitions.own)
    train_run(run)
    assert reader.meta(run.store)[starting.KEY] == about
    assert run.weights.exists()


@pytest.mark.slow
def test_a_run_of_another_network_or_normalisation_is_refused(finished):
    run, _ = finished
    for options, sentence in (
        ({"net": "fashion-cnn"}, "start with --net small-cnn"),
        ({"mean": (0.5,), "std": (0.5,)}, "without a normalisation"),
    ):
        config = TrainConfig(**{**SHORT, **options, "init": run.id})
        (told,) = folders.starting.problems(config, run)
        assert sentence in told
