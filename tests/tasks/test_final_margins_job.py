"""The estimate that ends a training.

Within a fifth of its time, once, and stopped like everything else.
"""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from smd import jobs
from smd.estimators.min_norm import MinNorm
from smd.evaluation import final_margins
from smd.evaluation.final_margins import JOB, Pace, Plan
from smd.jobs import transitions
from smd.jobs.session import Cancelled, Session
from smd.runs import folders
from smd.store import reader
from smd.tasks import final_margins as task
from smd.tasks.train import train_run

pytestmark = pytest.mark.slow


@pytest.fixture
def again(finished):
    """A finished run, queued anew: its training is over, so that only what ends it is left to
    do."""

    def make(seconds, monkeypatch):
        _, run = finished
        monkeypatch.setattr("smd.tasks.train.training_seconds", lambda run: seconds)
        monkeypatch.setattr(task, "_pace", lambda work, images: Pace(images, 0.01, 0.01))
        (run.folder / final_margins.FILE).unlink(missing_ok=True)
        requeue(run)
        return run

    return make


def requeue(run):
    folder = run.folder
    if jobs.read(folder).state == "finished":  # only a job that ended otherwise may be resumed
        status = folder / "status.json"
        status.write_text(status.read_text().replace('"finished"', '"cancelled"'))
    transitions.move(folder, "queued")
    transitions.change(folder, transitions.own)


def final(run):
    table = reader.estimates(run.store)
    return table[table["job"] == JOB]


def test_a_short_training_skips_it_in_one_sentence_and_says_how(finished):
    for run in finished:
        assert final(run).empty
        plan = final_margins.read(run.folder)
        assert plan.n == 0
        assert plan.reason in run.log.read_text()
        assert plan.reason in run.card.read_text()
        assert f"python -m smd estimate {run.id}" in plan.reason


@pytest.mark.slow
def test_margins_of_test_images_are_stored_like_any_estimation(again, monkeypatch):
    # a fifth of it, and of that four fifths, pay for 20 steps of 0.01 s on two batches
    run = again(5.0, monkeypatch)
    train_run(run, run.log)
    assert jobs.read(run.folder).state == "finished"
    (one,) = final(run).itertuples()
    plan = final_margins.read(run.folder)
    assert (one.id, one.method, one.split, one.n) == (f"{JOB}:min-norm", "min-norm", "test", plan.n)
    assert plan.n == 200
    found = reader.estimate_results(run.store, one.id)
    ids = found["idx"]
    assert (len(ids), ids.iloc[0], ids.iloc[-1]) == (
        200,
        0,
        len(reader.samples(run.store, "test")) - 1,
    )
    assert ids.is_unique
    assert found.loc[found["kind"] == "found", "margin"].gt(0).all()
    said = run.log.read_text()
    assert "Margins of 200 test images (upper bounds; " in said
    assert "% of the 5.0 s of training" in said
    assert "Estimated margins of 200 test images" in run.card.read_text()


@pytest.mark.slow
def test_a_resumed_job_does_not_do_it_twice(again, monkeypatch):
    run = again(5.0, monkeypatch)
    train_run(run, run.log)
    first = final(run)["created"].tolist()
    requeue(run)
    monkeypatch.setattr(MinNorm, "estimate", lambda *_: pytest.fail("it was measured again"))
    train_run(run, run.log)
    assert final(run)["created"].tolist() == first


@pytest.mark.slow
def test_a_stop_in_the_middle_of_a_batch_is_heard_and_the_rest_done_by_the_same_plan(
    again, monkeypatch
):
    run = again(5.0, monkeypatch)
    with monkeypatch.context() as patch:
        seen = []
        report = Session.report

        def stop(self, **fields):
            report(self, **fields)
            if fields.get("stage") == "estimating margins":
                self.stopping = True
                seen.append(1)

        patch.setattr(Session, "report", stop)
        with pytest.raises(Cancelled):
            train_run(run, run.log)
    assert seen
    assert jobs.read(run.folder).state == "cancelled"
    assert final(run).empty
    plan = final_margins.read(run.folder)
    assert plan.n
    requeue(run)
    monkeypatch.setattr(task, "_timed_plan", lambda *_: pytest.fail("it was planned anew"))
    train_run(run, run.log)
    assert final(run)["n"].tolist() == [plan.n]
    assert final_margins.read(run.folder) == plan


@pytest.mark.slow
def test_zero_images_skip_it(again, monkeypatch):
    run = again(1000.0, monkeypatch)
    monkeypatch.setattr(type(run), "config", replace(run.config, n_margins=0))
    assert run.config.n_margins == 0
    train_run(run, run.log)
    assert final(run).empty
    assert "--n-margins 0 skips them" in run.log.read_text()
    assert final_margins.read(run.folder) is None


def test_every_batch_is_spread_over_the_split():
    ids = task.interleaved(359, Plan(n=200, batch=100))
    assert torch.equal(ids.sort().values, task.spread(359, 200))
    for part in ids.split(100):
        assert part.min() < 5
        assert part.max() > 350


def test_the_pace_is_of_every_image_and_costs_next_to_nothing(finished):
    from smd.tasks.opening import network_and_images

    model, rows = network_and_images(finished[1], "test", torch.device("cpu"))
    work = SimpleNamespace(model=model, rows=rows, config=SimpleNamespace(seed=0, norm="Linf"))
    pace = task._pace(work, 10)
    assert pace.images == 10
    assert pace.untargeted > 0
    assert pace.targeted > 0


def test_the_form_and_the_command_line_agree_on_the_default(finished):
    assert folders.find(finished[0].id).config.n_margins == 200
