"""The small jobs that are tortured, and all of their results that no bad luck may change."""

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.torture.campaign import check
from tests.torture.forked import ask

EPOCHS = 3
# Of every table but those readings of the machine, and without what a clock tells.
TIMES = {"seconds", "created", "job", "moment"}
IGNORED = {"gauge"}
CLOCKED = {"seconds", "samples_per_s", "finished_at"}
JOB_ID = re.compile(r"\d{8}-\d{6}-([a-z-]+)-[0-9a-f]{4}")  # its time and its chance


@contextmanager
def places(runs: Path, cache: Path | None = None):
    """For the length of the body, and for all forked in it: where runs and the cache are."""
    given = {"SMD_RUNS": runs, **({"SMD_CACHE": cache} if cache else {})}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update({name: str(path) for name, path in given.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def tiny(**more: Any):
    """The smallest training that has every phase whose length no clock decides."""
    from smd.config.schema import TrainConfig

    given = {"epochs": EPOCHS, "n_train": 100, "n_test": 20, "n_margins": 0, "device": "cpu"}
    return TrainConfig(**(given | more))


def make_and_train(**more: Any) -> None:
    """A new run, trained to its end in this process."""
    from smd.jobs.session import claimed
    from smd.runs import folders
    from smd.tasks.train import train_run

    run = folders.create(tiny(**more), claim=True)
    with claimed(run.folder):
        train_run(run, run.log)


def go_on() -> None:
    """Resume what is in the runs folder as a worker would, in this process; a queued job is only
    begun."""
    from smd.jobs import transitions
    from smd.runs import folders

    run = only_run()
    if run.status.state != "queued":
        transitions.move(run.folder, "queued")
    for folder in folders.jobs_of(run):
        if jobs_state(folder) not in ("queued", "finished"):
            transitions.move(folder, "queued")
    perform(run.folder)


def perform(folder: Path) -> None:
    """Do the queued job in that folder."""
    from smd import jobs
    from smd.runs import folders
    from smd.tasks import attack, estimate
    from smd.tasks.train import train_run

    kind = jobs.read(folder).kind
    if kind == "train":
        run = folders.Run(folder.name, folder)
        return train_run(run, run.log)
    return {"attack": attack.attack_run, "margins": estimate.estimate_run}[kind](
        folder, folder / "log.txt"
    )


def jobs_state(folder: Path) -> str:
    from smd import jobs

    return jobs.read(folder).state


def only_run():
    """The one run there is."""
    from smd.runs import folders

    found = folders.all_runs()
    check(len(found) == 1, f"there are {len(found)} runs, not one")
    return found[0]


def state() -> dict[str, Any]:
    """How the one run stands and what it has so far; empty where no run was made. Raises what
    opening it raises."""
    import torch

    from smd.runs import folders
    from smd.store import reader
    from smd.tasks.files import load_checkpoint

    if not folders.all_runs():
        return {}
    run = only_run()
    status = run.status
    saved = (
        load_checkpoint(run.checkpoint, torch.device("cpu"))["epoch"]
        if run.checkpoint.exists()
        else 0
    )
    return {
        "state": status.state,
        "error": status.error,
        "stored": reader.last_epoch(run.store),
        "saved": saved,
        "config": run.config,
        "about": bool(run.about),
        "folder": run.folder,
    }


def results(run: Any = None) -> dict[str, str]:
    """A digest of every table of the run's store, of its weights and of its adversarial images."""
    import numpy as np
    from safetensors.numpy import load

    from smd.evaluation import examples

    run = run or only_run()
    found = _tables(run.store)
    weights = load(run.weights.read_bytes())
    found["weights"] = _digest(*(weights[name].tobytes() for name in sorted(weights)))
    for name in examples.names(run.folder):
        images = examples.read(
            run.adv / name if (run.adv / name).exists() else run.adv / f"{name}.npz"
        )
        values = [
            np.ascontiguousarray(v).tobytes()
            for v in vars(images).values()
            if isinstance(v, np.ndarray)
        ]
        found[f"adv {JOB_ID.sub(chr(92) + '1', name)}"] = _digest(*values)
    return found


def _tables(store: Path) -> dict[str, str]:
    import duckdb

    found = {}
    with duckdb.connect(str(store), read_only=True) as con:
        for (table,) in con.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall():
            if table in IGNORED:
                continue
            frame = con.execute(f"SELECT * FROM {table} ORDER BY ALL").df()
            frame = frame[[name for name in frame if name not in TIMES]]
            if table == "epoch_metric":
                frame = frame[~frame["name"].isin(CLOCKED)]
            if table == "meta":
                frame = frame[~frame["key"].isin(["images"])]
            rows = JOB_ID.sub(r"\1", frame.to_csv(index=False, float_format="%.17g")).splitlines()
            found[table] = _digest("\n".join(sorted(rows)).encode())
    return found


def _digest(*parts: bytes) -> str:
    return hashlib.blake2b(b"\0".join(parts), digest_size=8).hexdigest()


def compare(expected: dict[str, str], out: Path) -> None:
    """Fault where the results differ from an unbroken run's in any bit."""
    found = ask(results, out)
    unlike = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    check(not unlike, f"after the resume it differs from an unbroken run in {', '.join(unlike)}")


def finish(
    expected: dict[str, str], out: Path, done: Callable[[dict[str, Any]], None] = lambda _: None
) -> str:
    """See that a run that was cut off is told of truly and whole, go on with it, compare; what came
    of it in words."""
    before = ask(state, out)
    if not before:
        ask(make_and_train, out)
        compare(expected, out)
        return "no run yet"
    done(before)
    told = before["state"]
    check(
        told in ("lost", "queued", "finished", "failed"),
        f"its process is gone, but it is told as {told}",
    )
    check(before["about"], "its provenance is gone")
    check(
        before["saved"] >= before["stored"] - 1,
        f"{before['stored']} epochs stored, {before['saved']} saved",
    )
    if told != "finished":
        ask(go_on, out)
        after = ask(state, out)
        check(after["state"] == "finished", f"resumed it is {after['state']}: {after['error']}")
    compare(expected, out)
    return told
