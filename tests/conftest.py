"""Every test has its own runs; imported images and one finished run are shared."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("GOMP_SPINCOUNT", "5000")  # before torch is loaded; see smd.__main__

import pytest

from smd.config.schema import TrainConfig
from smd.data import load
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders
from smd.store import connection, trust

SHARED_DATA = Path(os.environ.get("SMD_SHARED_DATA") or REPOSITORY.parent / "shared" / "data")


def pytest_collection_modifyitems(items):
    """The slowest files first, so that none of them is left alone at the end; those with a browser
    stand apart, as only one of them runs at a time."""
    slow = Counter()
    for item in items:
        if mark := item.get_closest_marker("slow"):
            slow[item.path] += mark.args[0] if mark.args else 5
    browsers = dict.fromkeys(item.path for item in items if item.get_closest_marker("e2e"))
    order = sorted(
        {item.path for item in items} - set(browsers), key=lambda path: (-slow[path], path)
    )
    for number, path in enumerate(browsers):
        order.insert(8 * number, path)
    place = {path: number for number, path in enumerate(order)}
    items.sort(key=lambda item: place[item.path])


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


@pytest.fixture
def smd_here(capsys):
    """As `smd`, in this process: for what a process of its own would do no otherwise, and slower by
    the seconds that it takes to import torch."""
    from smd.__main__ import main

    def run(*words, check=True):
        capsys.readouterr()
        status = main([str(word) for word in words])
        said = capsys.readouterr()
        assert not check or status == 0, said.err
        return SimpleNamespace(returncode=status, stdout=said.out, stderr=said.err)

    return run


def made_once(tmp_path_factory, name, make):
    """The folder that `make` fills when it is given its path; where files of tests are run side by
    side, the first process that wants it makes it for all."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with folder.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)  # of a process that failed in it
            make(part)
            part.rename(folder)
    return folder


BOTH = """
import sys
from smd.__main__ import main
sys.exit(max(main(["train", "--defense", each, *sys.argv[1:]]) for each in ("smd", "std")))
"""


@pytest.fixture(scope="session")
def finished_root(tmp_path_factory, own_cache):
    """A runs folder with a finished SMD run and a finished STD run on a few digits, of a process
    that is gone; never write to it."""
    words = ("--epochs", "3", "--n-train", "300", "--n-test", "100")

    def make(root):
        env = {**os.environ, "SMD_RUNS": str(root)}
        subprocess.run([sys.executable, "-c", BOTH, *words], cwd=REPOSITORY, env=env, check=True)

    root = made_once(tmp_path_factory, "finished", make)
    load("digits")  # into the cache of this process, which may not be the one that made the runs
    return root


def known(root):
    """Let the stores of copied runs be taken for this installation's own: to look at each first
    takes its time."""
    for store in root.glob("*/run.duckdb"):
        trust.ours(connection._version(store, False))


@pytest.fixture
def finished(finished_root, own_runs):
    """The two finished runs, copied into this test's own runs folder: (smd, std)."""
    # a worker that has just ended may have left its lock there, where files of tests share a place
    shutil.copytree(finished_root, own_runs, dirs_exist_ok=True)
    known(own_runs)
    found = {run.config.defense: run for run in folders.all_runs()}
    return found["smd"], found["std"]


@pytest.fixture(scope="session")
def in_l2_root(tmp_path_factory, own_cache):
    """A runs folder with a run of SMD in L2, of a process that is gone; never write to it."""
    words = ("--epochs", "4", "--n-train", "300", "--n-test", "60", "--n-margins", "20")
    make = lambda root: smd("train", "--norm", "L2", *words, root=root)  # noqa: E731
    root = made_once(tmp_path_factory, "in-l2", make)
    load("digits")
    return root


@pytest.fixture
def in_l2(in_l2_root, own_runs):
    """The run in L2, copied into this test's own runs folder."""
    shutil.copytree(in_l2_root, own_runs, dirs_exist_ok=True)
    known(own_runs)
    return folders.all_runs()[0]


@pytest.fixture
def tiny():
    """The smallest useful config."""
    return TrainConfig(epochs=2, n_train=200, n_test=50, device="cpu")
