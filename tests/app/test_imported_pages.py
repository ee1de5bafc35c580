"""Every page of an imported run: it opens, and says only what is true of a run without epochs."""

import shutil

import pytest
from paging import open_page, words

import smd
from smd.runs import folders

pytestmark = pytest.mark.slow

SAID = {
    "live": "trained elsewhere",
    "margins": "no epochs and no margins of a training",
    "agreement": "keeps no margin of single images",
    "embedding": "There is no embedding",
    "samples": "",
    "attacks": "",
    "compare": "",
    "figures": "",
    "query": "",
    "train": "",
    "import": "Was it trained with another normalisation?",
}


@pytest.fixture(scope="module")
def imported_root(finished_root, tmp_path_factory):
    """A runs folder with an import of the finished SMD run's weights; only read."""
    root = tmp_path_factory.mktemp("imported") / "runs"
    weights = next(finished_root.glob("*smd*")) / "model.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMD_RUNS", str(root))
        smd.import_weights(weights, n_test=20, n_margins=0, device="cpu")
    return root


@pytest.mark.parametrize("view", SAID)
def test_every_page_of_an_imported_run_opens_and_says_what_is_true(view, imported_root, own_runs):
    shutil.copytree(imported_root, own_runs)
    (run,) = folders.all_runs()
    said = words(open_page(view, run=run.id))
    assert SAID[view] in said
    assert "epoch is done" not in said and "of 0 epochs" not in said and "0 epochs" not in said
