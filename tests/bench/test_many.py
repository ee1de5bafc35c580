"""The folder of many runs is one that the product itself could have left."""

import os

import pytest

from smd import data
from smd.analysis.clinical_sources import Asked
from smd.analysis.clinical_tables import clinical_tables
from smd.bench import browser, startup
from smd.bench.many import environment, fill
from smd.evaluation import examples
from smd.runs import folders
from smd.store import reader


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Three runs, the newest of four epochs on 300 samples."""
    root = tmp_path_factory.mktemp("many") / "runs"
    fill(root, 3, 4, 300)
    return root


@pytest.fixture
def found(filled, monkeypatch):
    """Its runs, the newest first."""
    for name, value in environment(filled).items():
        monkeypatch.setenv(name, value)
    return folders.all_runs()


@pytest.mark.slow
def test_all_are_finished_and_the_long_one_is_the_newest(found):
    assert [run.status.state for run in found] == ["finished"] * 3
    assert [run.config.data for run in found] == ["fashion-mnist", "digits", "digits"]
    assert len({run.config.seed for run in found[1:]}) == 2
    assert [run.status.done for run in found] == [4, 4, 4]


def test_the_long_one_has_margins_of_every_epoch_and_sample(found):
    long = found[0]
    assert len(reader.margin_summary(long.store)) == 4
    assert len(reader.margins(long.store, 4)) == 300
    table = reader.attack_table(long.store)
    assert set(table["split"]) == {"train", "test"}
    assert table["accuracy"].between(0.3, 0.99).all()
    assert len(reader.estimates(long.store)) == 1


def test_images_and_their_twins_can_be_shown(found):
    long = found[0]
    images = data.cached(reader.meta(long.store)["images"])
    assert images.pixels.shape[1:] == (1, 28, 28)
    assert reader.samples(long.store, "train")["source"].max() < len(images.labels)
    nearest = int(reader.margins(long.store, 4).sort_values(["margin", "idx"])["idx"].iloc[0])
    ((name, position),) = examples.find(long.folder, "train", nearest)
    assert examples.read(long.adv / f"{name}.npz").idx[position] == nearest


@pytest.mark.slow
def test_the_same_runs_are_made_again_and_nothing_is_left_elsewhere(found, tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_RUNS", str(tmp_path / "mine"))
    monkeypatch.delenv("SMD_CACHE")
    fill(tmp_path / "again", 3, 4, 300)
    again = tmp_path / "again" / found[0].id / "run.duckdb"
    assert reader.margins(again, 3).equals(reader.margins(found[0].store, 3))
    assert os.environ["SMD_RUNS"] == str(tmp_path / "mine")
    assert "SMD_CACHE" not in os.environ
    assert not (tmp_path / "mine").exists()
    assert not (tmp_path / "again" / ".long").exists()


def test_without_a_browser_the_pages_are_left_out_and_the_note_says_so(monkeypatch):
    monkeypatch.setattr(browser.shutil, "which", lambda name: "/nonexistent/chromium")
    monkeypatch.setattr(startup, "fill", lambda *sizes: None)
    monkeypatch.setattr(startup, "COMMANDS", {})
    part = startup.measure(quick=True)
    assert part.rows == []
    assert "no page was measured" in part.note


def test_verdicts_fit_the_images_so_that_clinical_numbers_can_be_made(found):
    for run in found[:2]:
        numbers = clinical_tables(Asked(run.store, run.id)).numbers
        assert len(numbers["noise level"].unique()) == 1 + len(run.config.levels)
