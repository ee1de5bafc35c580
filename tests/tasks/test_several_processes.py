"""A job in several processes: all that it stores is what one process stores, bit for bit."""

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from waiting import until

from smd import crew, jobs
from smd.config.schema import AttackConfig, EstimateConfig, ScoreConfig, TrainConfig
from smd.crew import Hand
from smd.dealing import dealer
from smd.evaluation import examples
from smd.jobs import launch
from smd.paths import AROUND
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader
from smd.tasks import hands
from smd.tasks.attack import attack_run
from smd.tasks.estimate import estimate_run
from smd.tasks.score import score_run


class Near(Hand):
    """A hand that is a thread: all of one but its process, in a tenth of the time."""

    def __init__(self, name: str, words: Any, env: Any) -> None:
        own, self._other = (Connection(end.detach()) for end in socket.socketpair())
        self.name, self.channel = name, own
        self._process: Any = SimpleNamespace(poll=lambda: None, wait=lambda timeout: None, pid=0)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(EOFError, OSError):
            dealer.serve(self, hands.opened)  # type: ignore[arg-type]

    def next(self) -> Any:
        """As Orders."""
        return pickle.loads(self._other.recv_bytes())

    def answer(self, message: Any) -> None:
        """As Orders."""
        self._other.send_bytes(pickle.dumps(message))

    def gone(self) -> None:
        self._thread.join()


@pytest.fixture(autouse=True)
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(crew, "Hand", Near)
    yield
    torch.set_num_threads(before)


def stored(run: Run, config: Any, task: Callable[[Path], None], count: str) -> list[Any]:
    """What a job stores that does it in so many processes; times are its own."""
    folder = folders.create_job(run, config(devices=count), claim=True)
    task(folder)
    tables: list[Any] = [
        reader.attack_results(run.store, id) for id in own(reader.attack_runs(run.store), folder)
    ]
    tables += [
        reader.estimate_results(run.store, id) for id in own(reader.estimates(run.store), folder)
    ]
    tables += [reader.scores(run.store, id) for id in own(reader.score_runs(run.store), folder)]
    for name in examples.names(run.folder):
        if name.startswith(folder.name):
            found = examples.read(run.adv / f"{name}.npz")
            images = [image.tobytes() for image in found.noise]
            tables.append(pd.DataFrame({"idx": found.idx, "noise": images}))
    assert tables
    return tables


def own(table: pd.DataFrame, folder: Path) -> list[str]:
    return [*table.loc[table["job"] == folder.name, "id"]]


SHORT = {"device": "cpu", "n": 20, "batch": 8}
JOBS = {
    "attack": (
        lambda run, **more: AttackConfig(
            run, params={"steps": 3}, levels=(16 / 255,), seeds=(0, 1), keep=5, **SHORT, **more
        ),
        attack_run,
    ),
    "margins": (
        lambda run, **more: EstimateConfig(run, "gem", {"rounds": 2}, **SHORT, **more),
        estimate_run,
    ),
    "scores": (
        lambda run, **more: ScoreConfig(run, levels=(16 / 255,), steps=2, **SHORT, **more),
        score_run,
    ),
}


@pytest.mark.parametrize("kind", JOBS)
def test_what_is_stored_does_not_depend_on_how_many_do_it(near: None, run: Run, kind: str) -> None:
    config, task = JOBS[kind]
    alone, *others = (
        stored(run, lambda **more: config(run.id, **more), task, count)
        for count in (("", "2", "3") if kind == "attack" else ("", "3"))
    )
    for found in others:
        for one, other in zip(alone, found, strict=True):
            pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_found_batch_size_leaves_work_for_all(run: Run) -> None:
    import torch

    from smd.tasks.batch_size import batch_size
    from smd.tasks.opening import network_and_images

    model, rows = network_and_images(run, "test", torch.device("cpu"))
    folder = folders.create_job(run, AttackConfig(run.id, device="cpu"), claim=True)
    size = batch_size(folder, AttackConfig(run.id), model, rows, torch.arange(320), 2)
    assert size <= 40
    assert json.loads((folder / "batch.json").read_text()) == {"size": size}


def words_of(folder: Path) -> list[str]:
    kind = "attack" if folder.parent.name == "attacks" else "train"
    job = f"{folder.parent.parent.name}/{folder.name}" if kind == "attack" else folder.name
    return [kind, "--job" if kind == "attack" else "--run", job]


def started(folder: Path) -> "subprocess.Popen[bytes]":
    """The job's own process, as a worker starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "smd", *words_of(folder)], cwd=AROUND, start_new_session=True
    )


def hands_of(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    found = psutil.Process(process.pid).children()
    return [each for each in found if {"deal", "follow"} & set(each.cmdline())]


def left(found: list[psutil.Process]) -> bool:
    return not any(each.is_running() and each.status() != "zombie" for each in found)


def resumed(folder: Path, count: str | None = None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "submit", lambda folder: None)
        launch.resume(folder, count)
    assert started(folder).wait(300) == 0


@pytest.mark.slow(40)
def test_an_attack_whose_hand_or_own_process_is_killed_goes_on_and_ends_the_same(run: Run) -> None:
    def create(count: str) -> Path:
        what = {"attack": "ce-cw-pgd", "params": {"steps": 60}, "levels": (8 / 255,)}
        config = AttackConfig(
            run.id, **what, seeds=(0,), n=96, batch=8, device="cpu", devices=count
        )
        return folders.create_job(run, config)

    alone, folder = create(""), create("2")
    assert started(alone).wait(300) == 0
    process = started(folder)
    until(lambda: (folder / "judging.npz").exists(), "it to be under way")
    found = hands_of(process)
    assert len(found) == 2
    found[1].kill()
    assert process.wait(60) == 1 and left(found)
    error = jobs.read(folder).error
    assert error.startswith("Process 2 of 2 of this job, on cpu, was ended by SIGKILL")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "submit", lambda folder: None)
        launch.resume(folder)
    process = started(folder)
    until(lambda: jobs.read(folder).state == "running" and len(hands_of(process)) == 2)
    found = hands_of(process)
    process.kill()
    process.wait()
    until(lambda: left(found), "its hands to leave")
    assert jobs.read(folder).state == "lost"
    resumed(folder)
    tables = [
        [reader.attack_results(run.store, id) for id in own(reader.attack_runs(run.store), each)]
        for each in (alone, folder)
    ]
    for one, other in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.slow(60)
def test_a_training_whose_ranks_are_killed_goes_on_with_another_number_of_them() -> None:
    def create(count: str) -> Run:
        few = {"epochs": 6, "n_train": 300, "n_test": 50, "n_margins": 0}
        return folders.create(TrainConfig(device="cpu", devices=count, **few))

    alone, run = create(""), create("3")
    process = started(run.folder)
    until(lambda: run.checkpoint.exists(), "the first epoch")
    found = hands_of(process)
    assert len(found) == 2
    found[0].send_signal(signal.SIGKILL)
    assert process.wait(60) == 1 and left(found)
    error = jobs.read(run.folder).error
    assert error.startswith("Rank 1 of this training, on cpu, was ended by SIGKILL"), error
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "submit", lambda folder: None)
        launch.resume(run.folder, "2")
    process = started(run.folder)
    before = run.checkpoint.stat().st_mtime_ns
    until(lambda: run.checkpoint.stat().st_mtime_ns != before, "the second epoch")
    found = hands_of(process)
    assert len(found) == 1
    process.kill()
    process.wait()
    until(lambda: left(found), "the other rank to leave")
    resumed(run.folder, "3")
    assert started(alone.folder).wait(300) == 0
    assert [len(reader.margins(run.store, epoch)) for epoch in range(1, 7)] == [300] * 6
    # later epochs drift apart from float noise; that ranks are exact, tests/engine/test_ranks.py
    # shows in float64
    one, other = (reader.margins(each.store, 1) for each in (alone, run))
    np.testing.assert_allclose(one["margin"], other["margin"], atol=1e-3)
    assert (one["clean_ok"] == other["clean_ok"]).mean() > 0.98
