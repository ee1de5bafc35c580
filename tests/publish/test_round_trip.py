"""A network of ours that went out and came in again is judged as the one it was."""

import pandas as pd
import pytest
import torch

from smd.__main__ import main
from smd.api.run import load_run

ASKED = ("--n-test", "40", "--n-margins", "0", "--device", "cpu")
ATTACK = ("--attack", "ce-pgd:steps=5", "--eps", "16/255", "--n", "40", "--device", "cpu")
MARGINS = ("--method", "pgd", "--eps", "16/255", "--n", "20", "--device", "cpu")


def judged(which):
    """(logits, verdicts, margins) of a run's network on its first test images."""
    assert main(["attack", which, *ATTACK]) == 0
    assert main(["estimate", which, *MARGINS]) == 0
    run = load_run(which)
    x, _ = run.images(range(5))
    with torch.no_grad():
        logits = run.model()(x)
    attacks = run.attacks()
    own = attacks[(attacks["n"] == 40) & (attacks["steps"] == 5) & (attacks["seed"] == 0)]
    (attack,) = own[own["eps"] > 0]["id"]
    verdicts = run.verdicts(attack)[["idx", "ok", "pred", "broken_by"]]
    return logits, verdicts, run.estimated_margins()


@pytest.fixture(scope="module")
def trained(tmp_path_factory, own_cache):
    """A folder of runs with one run behind a normalisation, its id, and how it is judged."""
    root = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMD_RUNS", str(root))
        normalised = ("--mean", "0.3", "--std", "0.4", "--defense", "std")
        assert main(["train", "--epochs", "3", "--n-train", "400", *normalised, *ASKED]) == 0
        run = load_run("last").id
        return root, run, judged(run)


@pytest.mark.slow(seconds=10)
@pytest.mark.parametrize("form", ["safetensors", "pt2", "onnx"])
def test_out_and_in_again_it_is_judged_the_same(trained, tmp_path, monkeypatch, form):
    if form == "onnx":
        for package in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(package)
    root, run, (logits, verdicts, margins) = trained
    monkeypatch.setenv("SMD_RUNS", str(root))
    file = tmp_path / f"network.{form}"
    assert main(["export", run, "--weights", form, "--out", str(file)]) == 0
    net = ("--net", "small-cnn") if form == "safetensors" else ()
    assert main(["import", str(file), "--data", "digits", *net, *ASKED]) == 0
    again = load_run("last").id
    assert again != run
    other, their_verdicts, their_margins = judged(again)
    torch.testing.assert_close(other, logits, rtol=0, atol=1e-5)
    pd.testing.assert_frame_equal(their_verdicts, verdicts)
    assert 0 < verdicts["ok"].sum() < len(verdicts)
    pd.testing.assert_frame_equal(their_margins, margins, rtol=1e-4, atol=1e-6)
    assert (margins["margin"] > 0).any()
    if form == "pt2":  # what came whole goes on whole
        assert main(["export", again, "--weights", "safetensors", "--out", str(file)]) == 1
        assert main(["export", again, "--weights", "pt2", "--out", str(tmp_path / "2.pt2")]) == 0
