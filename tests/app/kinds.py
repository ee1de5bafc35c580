"""Runs of every kind, for the pages: made from files alone, so that each test takes no time."""

import json
from dataclasses import replace

from smd import jobs
from smd.config.schema import TrainConfig
from smd.jobs import transitions
from smd.runs import folders

KINDS = (
    "empty",
    "queued",
    "running",
    "begun",
    "cancelled",
    "failed",
    "lost",
    "newer",
    "newer-store",
    "finished",
    "std",
)


def make(kind, request):
    """Fill the test's runs folder with runs of that kind; returns the run to look at, if there is
    one."""
    if kind == "empty":
        return None
    if kind in ("finished", "std", "begun", "newer-store"):
        smd_run, std_run = request.getfixturevalue("finished")
        return _changed(std_run if kind == "std" else smd_run, kind)
    run = folders.create(TrainConfig(epochs=5))
    if kind == "newer":
        path = run.folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))
    elif kind != "queued":
        _set(run, **STATES[kind])
    return run


STATES = {
    "running": {"state": "running", "stage": "training", "total": 5},
    "cancelled": {"state": "cancelled"},
    "failed": {"state": "failed", "error": "The images are broken: mend them."},
    "lost": {"state": "running", "pid": 2**22 + 1, "pid_started": 1.0},
}


def _set(run, **fields):
    """Write a status; a running one belongs to this very process, so that it counts as alive."""
    status = transitions.own(run.status)
    transitions.write(run.folder, replace(status, **fields))


def _changed(run, kind):
    if kind == "begun":  # as if still running, with all epochs there
        _set(
            run,
            state="running",
            stage="training",
            done=2,
            total=3,
            batch=1,
            batches=3,
            eta=4.0,
            rate=900.0,
        )
    if kind == "newer-store":
        import duckdb

        with duckdb.connect(str(run.store)) as con:
            con.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    return run


def state(run):
    return jobs.read(run.folder).state
