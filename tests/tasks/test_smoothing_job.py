"""What is certified of the smoothed network is stored and shown apart from all margins."""

import json

import numpy as np
import pandas as pd
import pytest
from paging import open_page, words
from storing import attack, estimate, started

import smd
from app.selection import sources
from smd import __main__ as cli
from smd.config.schema import EstimateConfig
from smd.core.kinds import ABSTAINED, SMOOTHED, WRONG
from smd.export.percent import interval
from smd.export.smoothed import SAID
from smd.jobs.session import Cancelled, Session
from smd.report.known import known
from smd.runs import folders
from smd.sinks import making
from smd.store import reader
from smd.store.records import EstimateRecord, Margins
from smd.store.writer import Recorder
from smd.tasks import estimate as task

SETTINGS = {"sigma": 0.1, "samples": 50, "selection": 5}
ASKED = ("--method", "smoothing:sigma=0.1:samples=50:selection=5", "--n", 12, "--device", "cpu")
OWN = {"clean": (True, True, False, False), "crossed": (False, False, True, False)}


def run_cli(*words):
    return cli.main([str(w) for w in words])


def record(**fields):
    about = {"seed": 0, "split": "test", "n": 4, "package": "smd", "version": "1", "seconds": 1.0}
    about |= {"job": "j", "created": 9.0, "weights": "last", "picked": False}
    return EstimateRecord("j:smoothing", "smoothing", 0.25, "L2", **about | fields)


@pytest.fixture
def path(tmp_path):
    """Four images with what smoothing says of each, and a search's margins of the same."""
    path = tmp_path / "run.duckdb"
    recorder = started(path)
    estimate(recorder, (5, 6, 7, 0), "min-norm", 0.0, split="test", norm="L2")
    radii = [255 * radius for radius in (0.5, 0.3, 0, 0)]
    estimate(recorder, radii, "smoothing", 0.25, split="test", norm="L2", created=9.0, **OWN)
    recorder.flush()
    return path


def test_it_is_no_estimate_of_the_networks_margins(path):
    assert reader.estimates(path)["method"].tolist() == ["min-norm"]
    (one,) = reader.smoothed(path).itertuples()
    assert (one.method, one.eps, one.norm) == ("smoothing", 0.25, "L2")
    kinds = reader.estimate_results(path, one.id)["kind"]
    assert kinds.tolist() == [SMOOTHED, SMOOTHED, WRONG, ABSTAINED]


def test_it_bounds_no_margin_from_either_side(path):
    assert reader.certified(path, "test", "L2").empty  # which --sound takes for robust
    found = reader.nearest_found(path, "test", "L2")
    assert set(found["found_by"]) == {"min-norm"}


def test_a_job_stores_its_noise_and_prints_a_table_that_says_what_of(finished, capsys):
    _, run = finished
    assert run_cli("estimate", run.id, *ASKED, "--format", "json") == 0  # in L2, as it must
    said = capsys.readouterr()
    (row,) = json.loads(said.out)
    assert row["method"] == "Certified (smoothed network), σ = 0.1, L2"
    assert row["n"] == 12
    assert row["certified (%)"] + row["abstained (%)"] + row["wrong (%)"] == pytest.approx(
        100, abs=0.02
    )
    assert row["radius ≥ 0.25 (%)"] == 0  # farther than 50 draws of that noise can tell
    assert SAID in said.err
    assert reader.estimates(run.store).empty
    (job,) = folders.jobs_of(run, "margins")
    stored = reader.smoothed(run.store)
    assert stored["id"].tolist() == [f"{job.name}:smoothing"]
    assert stored["eps"].tolist() == [0.1]
    assert "of the smoothed network," in (job / "log.txt").read_text()


def radii_of(run, **fields):
    """What a new job of the same question stores, an image a row."""
    asked = {"method": "smoothing", "params": SETTINGS, "norm": "L2", "n": 12, "batch": 5}
    config = EstimateConfig(run.id, device="cpu", **asked, **fields)
    job = folders.create_job(run, config, claim=True)
    task.estimate_run(job)
    assert f"{job.name}:smoothing" in task.done(run.store)  # so that it is not done again
    return reader.estimate_results(run.store, f"{job.name}:smoothing")


def test_a_job_that_was_stopped_stores_nothing_and_begins_anew_to_the_same_radii(
    finished, monkeypatch
):
    _, run = finished
    report = Session.report

    def stopped(self, **fields):
        self.stopping = self.stopping or bool(fields.get("batch"))
        report(self, **fields)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "report", stopped)
        with pytest.raises(Cancelled):
            radii_of(run)
    assert reader.smoothed(run.store).empty
    first, again, other = radii_of(run), radii_of(run), radii_of(run, seed=1)
    pd.testing.assert_frame_equal(first, again)
    assert (first["margin"] != other["margin"]).any()


def test_linf_is_refused_in_a_sentence(finished, capsys):
    _, run = finished
    assert run_cli("estimate", run.id, "--method", "smoothing", "--norm", "Linf") == 1
    assert (
        "smoothing measures in L2 alone: choose that norm (--norm L2)." in capsys.readouterr().err
    )


def test_trackers_hear_of_it_under_its_own_name():
    margins = Margins(
        np.arange(4), np.float32([0.5, 0.3, 0, 0]), np.array(OWN["clean"]), np.array(OWN["crossed"])
    )
    values = making.of_estimate(record(), margins, 1).values
    what = "smoothing sigma 0.25 seed 0/test"
    assert values == {
        f"{what} {SMOOTHED}": 2.0,
        f"{what} {ABSTAINED}": 1.0,
        f"{what} {WRONG}": 1.0,
        f"{what} median radius (smoothed network)": pytest.approx(0.4),
    }


@pytest.fixture
def stored(finished, monkeypatch):
    """A finished run with a certificate of its smoothed network."""
    from smd.jobs import launch

    monkeypatch.setattr(launch, "wake_all", lambda: None)
    run, _ = finished
    recorder = Recorder(run.store)
    radii = np.float32([0.5, 0.3, 0, 0])
    recorder.estimate(record(), Margins(np.arange(4), radii, *map(np.array, OWN.values())))
    attack(recorder, eps=0.25, norm="L2", job="a")
    recorder.flush()
    return run


def test_margins_shows_it_apart_with_what_it_is_of(stored):
    app = open_page("margins", run=stored.id, split="test")
    assert "Certified (smoothed network)" in [each.value for each in app.subheader]
    assert SAID.split(",")[0] in words(app)
    (shown,) = [f.value for f in app.dataframe if "abstained (%)" in f.value]
    assert shown["noise"].tolist() == ["σ = 0.25, L2"]
    assert shown["certified (%)"].tolist() == [50.0]
    assert shown["certified: 95 %"].tolist() == [interval(0.5, 4)]
    assert shown["radius ≥ 0.5 (%)"].tolist() == [25.0]
    assert not [source for source in sources.of(stored) if source.estimate == "j:smoothing"]


def test_reports_leave_it_out(stored):
    found = known(stored, "test").estimate
    assert found is None or "smoothed" not in found.title


def test_a_loaded_run_has_it_under_another_name(stored):
    run = smd.load_run(stored.id)
    assert "j:smoothing" not in set(run.estimates()["id"])
    assert run.smoothed()["id"].tolist() == ["j:smoothing"]
    table = run.estimated_margins("j:smoothing")
    assert table["kind"].tolist() == [SMOOTHED, SMOOTHED, WRONG, ABSTAINED]
