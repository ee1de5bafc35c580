"""The estimate job: what it stores, and that it goes on where it was stopped."""

import json
import signal
import subprocess
import sys

import pandas as pd
import pytest
from waiting import until

from app.selection import choices, sources
from smd import __main__ as cli
from smd import jobs
from smd.config.schema import EstimateConfig
from smd.jobs import launch
from smd.jobs.session import Cancelled, Session
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders, image_sets
from smd.store import reader
from smd.tasks import estimate as task
from smd.units import px

PATIENCE = 90.0  # seconds; generous, as the machine may be busy


def run_cli(*words):
    return cli.main([str(w) for w in words])


def made(run, **fields):
    """A claimed job of PGD at two levels on twenty test images, in four batches each."""
    asked = {"method": "pgd", "levels": px(8, 64), "n": 20, "batch": 5, "device": "cpu", **fields}
    return folders.create_job(run, EstimateConfig(run.id, **asked), claim=True)


def rows(run, job):
    """What a job stored: level -> its results."""
    table = reader.estimates(run.store)
    own = table[table["job"] == job.name]
    return {
        round(255 * one.eps): reader.estimate_results(run.store, one.id) for one in own.itertuples()
    }


@pytest.mark.slow
def test_a_job_measures_every_level_and_prints_its_table(finished, capsys):
    _, run = finished
    words = [
        "--method",
        "pgd:eps=64/255",
        "--eps",
        "8/255",
        "--n",
        20,
        "--device",
        "cpu",
        "--format",
        "json",
    ]
    assert run_cli("margins", run.id, *words) == 0
    table = json.loads(capsys.readouterr().out)
    assert [row["method"] for row in table] == ["PGD 8/255", "PGD 64/255"]
    assert [row["n"] for row in table] == [20, 20]
    near, far = table
    assert near["beyond 16/255 (%)"] is None  # it did not look that far
    assert 0 <= far["beyond 32/255 (%)"] <= far["beyond 8/255 (%)"] <= far["clean (%)"]
    assert far["no boundary (%)"] <= near["no boundary (%)"]
    (job,) = folders.jobs_of(run, "margins")
    assert (jobs.read(job).state, jobs.read(job).kind) == ("finished", "margins")
    stored = reader.estimates(run.store)
    assert stored["id"].tolist() == [f"{job.name}:8/255", f"{job.name}:64/255"]
    assert "PGD 64/255 on 20 test images: median margin" in (job / "log.txt").read_text()


def test_a_method_without_a_level_is_stored_under_its_name(finished):
    _, run = finished
    assert (
        run_cli(
            "margins",
            run.id,
            "--method",
            "gem:rounds=2",
            "--n",
            5,
            "--split",
            "train",
            "--device",
            "cpu",
        )
        == 0
    )
    (one,) = reader.estimates(run.store).itertuples()
    assert (one.id.split(":")[1], one.eps, one.split, one.n) == ("gem", 0, "train", 5)


@pytest.mark.slow
def test_misclassified_images_are_stored_with_margin_zero(finished):
    _, run = finished
    job = made(run, n=0, levels=px(8), batch=256)
    task.estimate_run(job)
    found = rows(run, job)[8]
    assert len(found) == len(reader.samples(run.store, "test"))
    wrong = found[~found["clean_ok"]]
    assert len(wrong) > 0
    assert (wrong["margin"] == 0).all()
    assert wrong["crossed"].all()
    assert (found.loc[found["clean_ok"] & ~found["crossed"], "margin"] <= 8 / 255 + 1e-6).all()


def stop_after(monkeypatch, batches):
    """Ask a job to stop after so many batches."""
    report, seen = Session.report, []

    def watched(self, **fields):
        seen.append(fields.get("batch") or 0)
        if len([s for s in seen if s]) == batches:
            self.stopping = True
        report(self, **fields)

    monkeypatch.setattr(Session, "report", watched)


@pytest.mark.slow
def test_a_cancelled_job_keeps_what_is_done_and_resumes_with_the_rest(finished, monkeypatch):
    _, run = finished
    whole, job = made(run), made(run)
    task.estimate_run(whole)
    with monkeypatch.context() as patch:
        stop_after(patch, 6)
        with pytest.raises(Cancelled):
            task.estimate_run(job)
    assert jobs.read(job).state == "cancelled"
    assert set(rows(run, job)) == {8}
    first = reader.estimates(run.store).set_index("id").loc[f"{job.name}:8/255", "created"]
    launch.transitions.move(job, "queued")
    task.estimate_run(job)
    assert jobs.read(job).state == "finished"
    assert jobs.read(job).batches == 20  # only the rest was left to do
    assert reader.estimates(run.store).set_index("id").loc[f"{job.name}:8/255", "created"] == first
    for level, found in rows(run, job).items():
        pd.testing.assert_frame_equal(found, rows(run, whole)[level], check_exact=True)


@pytest.mark.slow
def test_a_stop_after_the_last_batch_is_no_reason_to_throw_it_away(finished, monkeypatch):
    _, run = finished
    job = made(run)
    stop_after(monkeypatch, 8)
    task.estimate_run(job)
    assert set(rows(run, job)) == {8, 64}


@pytest.mark.slow
def test_a_killed_job_resumes_to_the_same_rows(finished):
    _, run = finished
    whole = made(run, n=100, batch=1)
    task.estimate_run(whole)
    asked = EstimateConfig(run.id, method="pgd", levels=px(8, 64), n=100, batch=1, device="cpu")
    job = folders.create_job(run, asked)
    words = [sys.executable, "-m", "smd", "margins", "--job", f"{run.id}/{job.name}"]
    process = subprocess.Popen(words, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    until(lambda: rows(run, job))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert jobs.read(job).state == "lost"
    assert set(rows(run, job)) == {8}
    launch.resume(job)  # through the queue, as the dashboard does
    assert launch.wait(job, PATIENCE).state == "finished", launch.log_tail(job)
    for level, found in rows(run, whole).items():
        pd.testing.assert_frame_equal(rows(run, job)[level], found, check_exact=True)


def test_more_images_than_there_are_is_one_sentence(finished, capsys):
    _, run = finished
    n = len(reader.samples(run.store, "test"))
    assert run_cli("margins", run.id, "--n", n + 1) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == f"smd: The test split has {n} images: ask for at most that."


def test_a_run_without_weights_is_refused(finished, capsys):
    _, run = finished
    run.weights.unlink()
    assert run_cli("margins", run.id, "--n", 5) == 1
    assert "no trained weights yet" in capsys.readouterr().err


def test_in_the_background_it_is_only_queued(finished, capsys, monkeypatch):
    monkeypatch.setattr(launch, "submit", lambda folder: None)
    _, run = finished
    assert run_cli("margins", run.id, "--background") == 0
    (job,) = folders.jobs_of(run, "margins")
    assert capsys.readouterr().out.strip() == f"{run.id}/{job.name}"
    assert jobs.read(job).state == "queued"
    assert reader.estimates(run.store).empty


def test_a_named_set_is_measured_and_says_nothing_of_its_split(finished, capsys):
    _, run = finished
    image_sets.add(run, "odd", "test", [7, 2])
    words = ["--method", "pgd", "--eps", "8/255", "--device", "cpu", "--format", "json"]
    assert run_cli("margins", run.id, *words, "--ids", "odd") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["n"], row["method"]) == (2, "PGD 8/255 on chosen images")
    last = reader.estimates(run.store).iloc[-1]
    assert bool(last["picked"])
    assert list(reader.estimate_results(run.store, last["id"])["idx"]) == [2, 7]
    own = sources.of(run)[-1]
    assert own.picked
    assert "2 chosen test" in own.title
    assert choices.margins_of(run, "test", None) is None  # it stands for nothing but itself
    assert choices.margins_of(run, "test", own.key) == own


@pytest.mark.parametrize(
    ("ids", "sentence"), [("100000", "no sample 100000"), ("even", "There is no set 'even'")]
)
def test_images_that_do_not_exist_are_not_measured(finished, capsys, ids, sentence):
    run, _ = finished
    assert run_cli("margins", run.id, "--ids", ids, "--device", "cpu") == 1
    assert sentence in capsys.readouterr().err
