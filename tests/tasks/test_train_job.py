"""The training job as a process.

It finishes, and it survives being killed or cancelled, bit for bit.
"""

import json
import signal
import subprocess
import sys
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import smd
from safetensors.torch import load_file
from waiting import until

from smd import jobs
from smd.data.batches import spread
from smd.jobs import launch
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders
from smd.store import reader

ASKED = ("--epochs", 4, "--n-train", 400, "--n-test", 60, "--batch", 32, "--device", "cpu")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, own_cache):
    """What a run that nobody disturbs ends with, by its norm: (weights, margins of every epoch)."""

    @cache
    def ended(norm):
        root = tmp_path_factory.mktemp("undisturbed")
        smd("train", *ASKED, "--norm", norm, root=root)
        (folder,) = [path for path in root.iterdir() if (path / "config.json").exists()]
        return outcome(folder)

    return ended


def outcome(folder):
    store = folder / "run.duckdb"
    margins = pd.concat(reader.margins(store, epoch).assign(epoch=epoch) for epoch in range(1, 5))
    return load_file(folder / "model.safetensors"), margins


def assert_same(one, two):
    weights, margins = one
    assert weights.keys() == two[0].keys()
    assert all(torch.equal(weights[name], two[0][name]) for name in weights)
    pd.testing.assert_frame_equal(margins, two[1], check_exact=True)


def started(norm="Linf"):
    """A training process and its run, in the middle of its third epoch."""
    process = subprocess.Popen(
        [sys.executable, "-m", "smd", "train", *map(str, ASKED), "--norm", norm],
        cwd=REPOSITORY,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: folders.all_runs() and folders.all_runs()[0].checkpoint.exists())
    (run,) = folders.all_runs()
    # what is said once it is over; how far it is is said, too, on a busy machine
    until(lambda: "epoch 2/4, loss" in "\n".join(launch.log_tail(run.folder)))
    return process, run


def go_on(run):
    """Resume as the dashboard does, through the queue, and wait for the end."""
    launch.resume(run.folder)
    status = launch.wait(run.folder, 120)
    assert status.state == "finished", (status, launch.log_tail(run.folder))


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bits(undisturbed):
    process, run = started()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert run.status.state == "lost"
    assert not run.weights.exists()
    go_on(run)
    assert_same(outcome(run.folder), undisturbed("Linf"))


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_a_cancelled_run_keeps_its_batch_and_resumes_to_the_same_bits(undisturbed, norm):
    process, run = started(norm)
    launch.cancel(run.folder)
    assert process.wait(60) == 1
    assert run.status.state == "cancelled"
    saved = torch.load(run.checkpoint, weights_only=True)
    assert (saved["epoch"], saved["batch"] > 0) >= (2, False)
    go_on(run)
    assert_same(outcome(run.folder), undisturbed(norm))


def test_a_finished_run_leaves_all_its_things(finished):
    run, _ = finished
    assert run.status.state == "finished"
    assert run.status.done == 3
    assert "not a medical device" in run.card.read_text().lower()
    assert json.loads(run.provenance.read_text())
    metrics = reader.metrics(run.store)
    names = set(metrics["name"])
    assert names >= {
        "loss",
        "loss_clean",
        "loss_noisy",
        "accuracy",
        "expanded",
        "shrunk",
        "misclassified",
        "gamma1",
        "gamma2",
        "seconds",
        "samples_per_s",
        "margin_mean",
        "lr",
    }
    robust = metrics[(metrics["name"] == "accuracy") & (metrics["eps"] > 0)]
    assert set(robust["split"]) == {"train", "val"}
    assert {round(255 * e) for e in robust["eps"]} == {16, 32}


def test_counts_of_an_epoch_add_up_to_the_training_images(finished):
    run, _ = finished
    metrics = reader.metrics(run.store)
    last = metrics[metrics["epoch"] == 3].set_index("name")["value"]
    margins = reader.margins(run.store, 3)
    assert len(margins) == 300
    assert last["expanded"] + last["shrunk"] + last["misclassified"] == 300
    assert last["expanded"] == margins["adv_ok"].sum()
    assert reader.margin_hist(run.store, 3)["n"].sum() == 300
    assert (margins["margin"] >= 0).all()


@pytest.mark.slow
def test_a_failing_run_says_why_in_the_page_and_on_stderr(tmp_path, smd_here):
    empty = tmp_path / "no-pictures-here"
    empty.mkdir()
    done = smd_here("train", "--data", "folder", "--path", empty, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") <= 5
    assert "Traceback" not in done.stderr
    (run,) = folders.all_runs()
    status = jobs.read(run.folder)
    assert status.state == "failed"
    assert "no-pictures-here" in status.error
    assert status.error in done.stderr


@pytest.mark.slow
def test_a_path_that_is_not_there_is_refused_before_there_is_a_run(smd_here):
    done = smd_here("train", "--data", "folder", "--path", "/nowhere/at/all", check=False)
    assert done.returncode == 1
    assert "/nowhere/at/all" in done.stderr
    assert folders.all_runs() == []


def test_the_training_images_that_are_attacked_at_the_end_are_the_nearest_and_some_of_all_others():
    from smd.tasks.worth_seeing import worth_seeing

    idx = np.arange(40)
    kind = np.where(idx < 10, "misclassified", np.where(idx < 13, "found", "reached"))
    kept = pd.DataFrame(
        {"idx": idx, "margin": np.where(idx < 10, 0.0, (50 - idx) / 255), "kind": kind}
    )
    ids = worth_seeing(40, kept, (1, 8, 8))  # ten: five spread, five nearest
    assert {10, 11, 12} <= set(ids)  # found, though their margins are the largest
    assert {38, 39} <= set(ids)  # then the nearest of what was only reached
    assert len([k for k in ids if k < 10]) <= 2  # misclassified ones are there by chance alone
    assert worth_seeing(40, kept.iloc[:0], (1, 8, 8)) == tuple(spread(40, 10).tolist())
