"""A copied or renamed run is itself.

Its jobs work on the folder they lie in, and steering it moves no other.
"""

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from smd import jobs
from smd.config.schema import AttackConfig, EmbeddingConfig, EstimateConfig
from smd.errors import UserError
from smd.jobs import launch, transitions
from smd.jobs.processes import identity
from smd.runs import folders
from smd.store import reader

MAKES = {
    "attack": (
        folders.create_job,
        lambda i: AttackConfig(i, params={"steps": 2}, levels=(8 / 255,), n=8, seeds=(0,)),
    ),
    "margins": (
        folders.create_job,
        lambda i: EstimateConfig(i, params={"steps": 2, "targets": 0}, n=8),
    ),
    "embed": (folders.create_job, lambda i: EmbeddingConfig(i, n=20, pairs=2)),
}


def contents(folder):
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", MAKES)
def test_a_job_in_a_copy_works_on_the_copy(finished, smd_here, kind):
    run, _ = finished
    make, asked = MAKES[kind]
    job = make(run, asked(run.id))
    copy = folders.Run(f"{run.id}-copy", run.folder.with_name(f"{run.id}-copy"))
    shutil.copytree(run.folder, copy.folder)
    folder = copy.folder / job.relative_to(run.folder)
    before, store = contents(run.folder), contents(copy.folder)["run.duckdb"]
    transitions.move(folder, "queued")  # it reads as lost: it was queued elsewhere
    smd_here(kind, "--job", f"{copy.id}/{folder.name}")
    assert jobs.read(folder).state == "finished"
    assert contents(run.folder) == before
    assert contents(copy.folder)["run.duckdb"] != store
    if kind == "attack":
        assert folder.name in set(reader.attack_runs(copy.store)["job"])


@pytest.fixture
def process():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    yield child
    child.kill()
    child.wait()


def running(folder, process, **fields):
    mine = replace(
        jobs.read(folder),
        state="running",
        pid=process.pid,
        process_identity=identity(process.pid),
        heartbeat=4e9,
        host=platform.node(),
        started=1.0,
        **fields,
    )
    transitions.write(folder, mine)


def test_cancelling_a_copy_of_a_running_run_leaves_the_original(finished, process):
    run, _ = finished
    running(run.folder, process)
    copy = run.folder.with_name(f"{run.id}-copy")
    shutil.copytree(run.folder, copy)
    assert jobs.read(run.folder).state == "running"
    assert jobs.read(copy).state == "lost"
    with pytest.raises(UserError):
        launch.cancel(copy)
    assert process.poll() is None


def test_a_status_that_names_another_user_ends_no_process_here(finished, process):
    run, _ = finished
    running(run.folder, process)
    text = (run.folder / "status.json").read_text()
    (run.folder / "status.json").write_text(
        text.replace(f'"by": "{jobs.tickets.me()}"', '"by": "somebody@elsewhere"')
    )
    with pytest.raises(UserError, match="started by somebody@elsewhere"):
        launch.cancel(run.folder)
    assert process.poll() is None
    assert process.pid != os.getpid()
