"""Imports: a file's network becomes a run on which everything else works."""

import hashlib
import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import smd
from smd.config.schema import AttackConfig, ImportConfig
from smd.errors import UserError
from smd.files import foreign
from smd.jobs import kinds, results
from smd.runs import folders
from smd.store import reader
from smd.tasks import final_margins
from smd.tasks.attack import attack_run

QUICK = {"n_test": 30, "n_margins": 10, "device": "cpu"}


@pytest.fixture
def weights(run, tmp_path):
    """The trained network's weights as anybody's file, without a normalisation."""
    path = tmp_path / "theirs.safetensors"
    path.write_bytes(run.weights.read_bytes())
    return path


@pytest.mark.slow
def test_an_imported_network_gives_the_same_logits_and_is_judged(run, weights, monkeypatch):
    monkeypatch.setattr(final_margins, "IMPORTED", 10.0)
    loaded = smd.import_weights(weights, **QUICK)
    x, _ = loaded.images(range(20), "test")
    with torch.no_grad():
        torch.testing.assert_close(loaded.model()(x), smd.load_run(run.id).model()(x))
    about = loaded.about
    assert about["file"] == {
        "name": "theirs.safetensors",
        "bytes": weights.stat().st_size,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    assert len(loaded.estimated_margins()) == 10
    assert set(loaded.accuracies()["name"]) >= {"ce-pgd"}
    card = loaded.run.card.read_text()
    assert about["file"]["sha256"] in card and "Epochs" not in card and "elsewhere" in card
    assert loaded.status.kind == "import" and loaded.status.state == "finished"
    with pytest.raises(UserError, match="no epochs: ask"):
        loaded.margins(1)


def test_the_run_needs_its_file_no_more(run, weights):
    loaded = smd.import_weights(weights, **{**QUICK, "n_margins": 0})
    weights.unlink()
    config = AttackConfig(loaded.id, n=10, levels=(8 / 255,), device="cpu", params={"steps": 2})
    attack_run(folders.create_job(loaded.run, config))
    assert set(reader.attack_runs(loaded.run.store)["job"]) > {"final-test"}


def test_a_wrong_preprocessing_is_pointed_out_with_the_flags_that_mend_it(weights):
    quick = {**QUICK, "n_margins": 0}
    wrong = smd.import_weights(weights, **quick, mean=(5.0,), std=(0.1,)).about
    chosen, *others = wrong["preprocessing"]
    best = max(others, key=lambda row: row["accuracy"])
    assert chosen["high"] < best["low"]
    flags = f"with --mean {best['mean'][0]:g} --std" if best["mean"] else "without --mean and --std"
    assert f"import it again {flags}" in wrong["preprocessing_advice"]
    right = smd.import_weights(weights, **quick).about
    assert right["preprocessing_advice"] == ""
    chosen = right["preprocessing"][0]
    assert chosen["low"] < chosen["accuracy"] < chosen["high"] <= 1


def test_another_network_is_refused_by_its_keys(weights):
    with pytest.raises(UserError, match="do not fit the network: it lacks"):
        smd.import_weights(weights, **QUICK, net="wrn-28-4")
    (failed,) = [r for r in folders.all_runs() if r.config.defense == "imported"]
    assert failed.status.state == "failed" and not failed.trained


def test_a_network_that_ignores_its_pixels_is_refused(weights):
    tensors = load_file(weights)
    save_file({name: t * 0 if t.dim() == 4 else t for name, t in tensors.items()}, weights)
    with pytest.raises(UserError, match="do not depend on the pixels"):
        smd.import_weights(weights, **QUICK)


def test_a_setting_of_a_training_is_refused(weights):
    with pytest.raises(UserError, match="no setting epochs"):
        smd.import_weights(weights, epochs=3)


@pytest.mark.slow
def test_a_whole_network_lies_in_the_run(run, tmp_path):
    class Eval(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = smd.load_run(run.id).model()

        def forward(self, x):
            return self.network(x)

    path = tmp_path / "whole.pt2"
    x, _ = smd.load_run(run.id).images(range(4), "test")
    batch = {"x": {0: torch.export.Dim("batch", min=1)}}
    torch.export.save(torch.export.export(Eval().eval(), (x,), dynamic_shapes=batch), path)
    loaded = smd.import_weights(path, **{**QUICK, "n_margins": 0})
    path.unlink()
    assert loaded.run.trained and not loaded.run.weights.exists()
    with torch.no_grad():
        torch.testing.assert_close(loaded.model()(x), Eval()(x), atol=1e-5, rtol=1e-5)


def test_an_import_is_told_from_a_training(weights, run):
    made = folders.create(ImportConfig(file=str(weights), **QUICK))
    assert kinds.of_folder(made.folder).name == "import"
    assert kinds.of_folder(run.folder).name == "train"
    assert made.config == ImportConfig(file=str(weights), **QUICK)
    assert results.emptied(made.folder) is False


@pytest.mark.parametrize(
    "change", [{"file": 3}, {"new_head": "yes"}, {"mean": "0.5"}, {"net": ["x"]}, {"levels": 1}]
)
def test_a_hostile_config_is_refused(weights, change):
    made = folders.create(ImportConfig(file=str(weights)))
    path = made.folder / "config.json"
    values = foreign.json_object(path)
    path.write_text(json.dumps({**values, **change}))
    with pytest.raises(UserError):
        _ = made.config
