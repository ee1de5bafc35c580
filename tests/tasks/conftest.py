"""A network that knows something, trained once for all jobs on it."""

import shutil

import pytest
from conftest import known, made_once

from smd.__main__ import main
from smd.data import load
from smd.runs import folders


@pytest.fixture(scope="session")
def trained_root(tmp_path_factory, own_cache):
    """A network that knows something, so that attacks have something to break; never write to
    it."""
    words = ["--defense", "std", "--epochs", "10", "--n-train", "800", "--n-test", "100"]

    def make(root):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SMD_RUNS", str(root))
            assert main(["train", *words, "--device", "cpu"]) == 0

    root = made_once(tmp_path_factory, "trained", make)
    load("digits")  # into the cache of this process, which may not be the one that made the run
    return root


@pytest.fixture
def run(trained_root, own_runs):
    """That run, copied into this test's own runs folder."""
    shutil.copytree(trained_root, own_runs)
    known(own_runs)
    return folders.all_runs()[0]
