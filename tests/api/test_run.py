"""`smd.load_run` and `smd.train`: a stored run as tables and tensors, and sentences where it has
nothing."""

import shutil

import numpy as np
import pytest
import torch
from storing import estimate

import smd
from smd.core import lp
from smd.store import reader
from smd.store.writer import Recorder


@pytest.fixture
def run(finished):
    return smd.load_run(finished[0].id)


def test_a_run_is_found_by_its_id_as_the_newest_or_by_its_folder(finished):
    first, last = finished
    assert smd.load_run().id == smd.load_run("last").id == last.id
    assert smd.load_run(first.id[-4:]).id == first.id
    assert smd.load_run(first.folder).id == first.id
    assert smd.load_run(str(first.folder)).folder == first.folder


def test_its_tables_are_those_of_the_store(run):
    assert run.config.defense == "smd"
    assert run.status.state == "finished"
    assert run.about["shape"] == [1, 8, 8]
    assert run.metrics().equals(reader.metrics(run.run.store))
    last = run.margins()
    assert last.equals(run.margins(3)) and not last.equals(run.margins(1))
    assert len(last) == 300 and set(last["kind"]) <= {"found", "reached", "misclassified"}
    assert {"accuracy", "lo", "hi"} <= set(run.accuracies())


def test_an_estimate_is_the_newest_or_the_one_that_is_named(run):
    with pytest.raises(smd.UserError, match="no estimate yet"):
        run.estimated_margins()
    recorder = Recorder(run.run.store)
    first = estimate(recorder, [1, 2, 3], split="test")
    estimate(recorder, [4, 5], split="test", created=2.0)
    recorder.flush()
    assert len(run.estimates()) == 2
    assert len(run.estimated_margins()) == 2
    assert np.allclose(run.estimated_margins(first)["margin"] * 255, [1, 2, 3])
    with pytest.raises(smd.UserError, match="'x': choose one of pgd"):
        run.estimated_margins("x")


@pytest.mark.slow
def test_verdicts_are_those_of_the_attacks_and_add_up_to_their_accuracy(run):
    table = run.verdicts()
    assert len(table) == run.attacks()["n"].sum()
    test = table[(table["split"] == "test") & (table["eps"] > 0)]
    shares = test.groupby("eps")["ok"].mean()
    known = run.accuracies().query("split == 'test' and eps > 0").set_index("eps")["accuracy"]
    assert np.allclose(shares.sort_index(), known.sort_index())
    assert ((table["broken_by"] == "") == table["ok"]).all()
    one = str(run.attacks()["id"].iloc[-1])
    assert set(run.verdicts(one)["id"]) == {one}
    assert run.verdicts("ce-pgd").equals(table)


def test_images_and_network_give_the_stored_verdicts(run):
    stored = run.verdicts().query("split == 'test' and eps == 0").sort_values("idx")
    x, y = run.images(stored["idx"].to_numpy())
    assert x.dtype == torch.float32 and x.shape[1:] == (1, 8, 8)
    assert x.min() >= 0 and x.max() == 1
    model = run.model()
    assert not model.training
    with torch.no_grad():
        assert ((model(x).argmax(1) == y).numpy() == stored["ok"].to_numpy()).all()
    assert len(run.images(split="train")[1]) == 300


def test_an_attack_of_its_images_comes_to_the_jobs_verdicts(run):
    stored = run.verdicts("ce-pgd").query("split == 'test'")
    eps = float(stored["eps"].max())
    mine = stored[stored["eps"] == eps].sort_values("idx").reset_index(drop=True)
    x, y = run.images(mine["idx"].to_numpy())
    steps = int(run.attacks()["steps"].max())
    found = smd.attack(run.model(), x, y, "ce-pgd", eps=eps, steps=steps).to_frame()
    for column in ("ok", "pred", "distance", "broken_by", "seed"):
        assert (found[column] == mine[column]).all(), column
    assert 0 < found["ok"].mean() < 1


def test_kept_adversarial_images_are_answered_as_they_were(run):
    attack = str(run.attacks().query("split == 'train' and eps > 0")["id"].iloc[-1])
    kept = run.adversarial(attack)
    assert len(kept.idx) > 0
    assert (lp.length(kept.images - kept.clean, "Linf") <= kept.eps + 1e-6).all()
    x, y = run.images(kept.idx, split=kept.split)
    assert torch.equal(x, kept.clean) and torch.equal(y, kept.label)
    assert not torch.equal(x, kept.images)
    with torch.no_grad():
        p = run.model()(kept.images).softmax(1)
    assert torch.allclose(p, kept.p_adv, atol=1e-5)
    assert torch.equal(run.adversarial().images, kept.images)


MISSING = {
    "epoch": (lambda run: run.margins(9), "no epoch 9: it has 1 to 3"),
    "attack": (lambda run: run.verdicts("autoattack"), "no attack 'autoattack'.*ce-pgd"),
    "split": (lambda run: run.images([0], split="all"), "no split 'all'"),
    "ids": (lambda run: run.images([-1]), "the ids 0 to"),
    "adversarial": (lambda run: run.adversarial("x"), "'x': choose one of"),
    "device": (lambda run: run.model("cuda:9"), "cuda:9"),
}


@pytest.mark.parametrize("what", MISSING)
def test_what_it_does_not_have_is_said_in_a_sentence(what, run):
    call, sentence = MISSING[what]
    with pytest.raises(smd.UserError, match=sentence):
        call(run)


def test_a_defense_without_margins_says_so(finished):
    with pytest.raises(smd.UserError, match="std keeps none"):
        smd.load_run(finished[1].id).margins()


@pytest.mark.parametrize(
    "which, sentence", [("nothing", "no run 'nothing'"), ("./nowhere", "is missing"), ("", "''")]
)
def test_a_run_that_is_not_there_is_said_so(which, sentence, finished):
    with pytest.raises(smd.UserError, match=sentence):
        smd.load_run(which)


@pytest.mark.slow
def test_foreign_weights_and_stores_are_refused(run, tmp_path):
    copy = tmp_path / "elsewhere"
    shutil.copytree(run.folder, copy)
    other = smd.load_run(copy)
    (copy / "model.safetensors").write_bytes(b"\x80\x04cos\nsystem\n.")
    with pytest.raises(smd.UserError, match="do not fit"):
        other.model()
    (copy / "model.safetensors").unlink()
    (copy / "model.safetensors").symlink_to(run.run.weights)
    with pytest.raises(smd.UserError):
        other.model()
    (copy / "run.duckdb").write_bytes(b"no store")
    with pytest.raises(smd.UserError):
        other.metrics()


@pytest.mark.slow
def test_training_here_gives_a_run_like_any_other(own_runs):
    run = smd.train(
        defense="at:steps=2", epochs=1, n_train=100, n_test=20, n_margins=0, params={"eps": 4 / 255}
    )
    assert run.status.state == "finished" and run.folder.parent == own_runs
    assert run.config.params == {"steps": 2, "eps": 4 / 255}
    assert smd.load_run().id == run.id
    assert len(run.verdicts()) > 0


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"epoch": 3}, "no setting epoch: choose from data,"),
        ({"defense": "magic"}, "magic"),
        ({"data": "mars"}, "no data set 'mars'"),
        ({"epochs": -1}, "Epochs"),
        ({"device": "cuda:9"}, "cuda:9"),
    ],
)
def test_a_training_that_cannot_be_is_refused_and_leaves_no_run(settings, sentence, own_runs):
    with pytest.raises(smd.UserError, match=sentence):
        smd.train(**settings)
    assert not own_runs.exists() or not list(own_runs.iterdir())
