"""Every test has its own runs; imported images and one finished run are shared."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "5000")  # before torch is loaded; see smd.__main__

import pytest

from smd.config.schema import TrainConfig
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders
from smd.store import connection, trust

SHARED_DATA = Path(os.environ.get("SMD_SHARED_DATA") or REPOSITORY.parent / "shared" / "data")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Imported images go to a cache of this session's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMD_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("SMD_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def own_runs(tmp_path, monkeypatch):
    """No test sees the runs of another, or of the person who runs the tests."""
    monkeypatch.setenv("SMD_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def smd(*words, root=None, check=True, timeout=300, **env):
    """Run `python -m smd` as a user would."""
    place = {"SMD_RUNS": str(root)} if root else {}
    done = subprocess.run(
        [sys.executable, "-m", "smd", *map(str, words)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **place, **env},
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="session")
def finished_root(tmp_path_factory, own_cache):
    """A runs folder with a finished SMD run and a finished STD run on a few digits; never write to
    it."""
    root = tmp_path_factory.mktemp("finished") / "runs"
    for defense in ("smd", "std"):
        smd(
            "train",
            "--defense",
            defense,
            "--epochs",
            3,
            "--n-train",
            300,
            "--n-test",
            100,
            root=root,
        )
    return root


def known(root):
    """Let the stores of copied runs be taken for this installation's own: to look at each first
    takes its time."""
    for store in root.glob("*/run.duckdb"):
        trust.ours(connection._version(store, False))


@pytest.fixture
def finished(finished_root, own_runs):
    """The two finished runs, copied into this test's own runs folder: (smd, std)."""
    shutil.copytree(finished_root, own_runs)
    known(own_runs)
    found = {run.config.defense: run for run in folders.all_runs()}
    return found["smd"], found["std"]


@pytest.fixture
def tiny():
    """The smallest useful config."""
    return TrainConfig(epochs=2, n_train=200, n_test=50, device="cpu")
