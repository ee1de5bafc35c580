"""Helpers of the job tests: tiny jobs without torch, and waiting with a deadline."""

import subprocess
import sys
from pathlib import Path

import pytest

from smd import jobs
from smd.config.schema import TrainConfig
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders

PATIENCE = 60.0  # seconds; generous, as the machine may be busy
SOON = 25.0  # the same, but sooner than a JOB ends that nobody lets go

# A job that runs until it is told to stop, or until the file "go" lies in its folder; never for
# long.
JOB = """
import sys, time
from pathlib import Path
from smd.jobs.session import Cancelled, session
folder, end = Path(sys.argv[1]), time.monotonic() + 30
with session(folder, "cpu") as job:
    print("began", flush=True)
    if (folder / "broken").exists():
        raise ValueError("the network\\nhas no weights")
    while not (folder / "go").exists() and time.monotonic() < end:
        if job.stopping:
            raise Cancelled
        time.sleep(0.01)
"""

WORKER = """
import sys
from smd.jobs.worker import work
work("cpu", lambda folder: [sys.executable, sys.argv[1], str(folder)])
"""


@pytest.fixture
def runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty runs root, also for the processes that a test starts."""
    monkeypatch.setenv("SMD_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return tmp_path / "runs"


def state(folder: Path) -> str:
    return jobs.read(folder).state


def new_run(**fields: object) -> Path:
    return folders.create(TrainConfig(**{"device": "cpu", **fields})).folder


def let_go(folder: Path) -> None:
    (folder / "go").touch()


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def python(code: Path, *arguments: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, str(code), *map(str, arguments)])
