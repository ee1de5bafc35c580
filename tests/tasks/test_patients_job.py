"""A training on images with a table: patients and groups are in its store, and no plain name of a
patient is anywhere in its folder."""

import csv

import numpy as np
import pytest
from PIL import Image

from smd import paths
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.jobs.session import claimed
from smd.runs import folders
from smd.store import connection, reader
from smd.tasks.train import train_run

PLANTED = "Mustermann-1955"


@pytest.fixture
def config(tmp_path, monkeypatch):
    """40 images of ten patients, one of whom is PLANTED, and a training of a single step."""
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    drawn, place = np.random.default_rng(0), tmp_path / "own"
    place.mkdir()
    rows = [["file", "label", "patient", "sex", "part"]]
    for k in range(40):
        Image.fromarray(drawn.integers(0, 256, (8, 8), np.uint8)).save(place / f"{k}.png")
        patient, part = k // 4, "train" if k < 24 else "val" if k < 32 else "test"
        rows.append([f"{k}.png", "ab"[k % 2], PLANTED if not patient else f"p{patient}", "F", part])
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    options = {"epochs": 1, "defense": "std", "device": "cpu", "n_margins": 0, "n_test": 4}
    return TrainConfig("folder", str(place), labels=str(tmp_path / "t.csv"), **options)


def trained(config):
    run = folders.create(config, claim=True)
    with claimed(run.folder):
        train_run(run, run.log)
    return run


def test_patients_are_stored_as_hashes_alone(config, tmp_path):
    run = trained(config)
    with connection.reading(run.store) as con:
        stored = con.execute("SELECT split, patient FROM sample ORDER BY split, idx").fetchall()
        groups = con.execute("SELECT DISTINCT name, value FROM sample_group").fetchall()
    assert len(stored) == 40
    assert {len(patient) for _, patient in stored} == {16}
    sides = {split: {who for part, who in stored if part == split} for split, _ in stored}
    assert {split: len(who) for split, who in sides.items()} == {"train": 6, "val": 2, "test": 2}
    assert groups == [("sex", "F")]
    notes = reader.meta(run.store)["image_notes"]
    assert "Patients: 6 in training, 2 in validation, 2 in test; none is in two of them." in notes
    everywhere = [*run.folder.rglob("*"), *paths.cache_root().rglob("*")]
    found = [
        file for file in everywhere if file.is_file() and PLANTED.encode() in file.read_bytes()
    ]
    assert found == []


def test_patients_in_two_splits_are_refused_unless_allowed(config, tmp_path):
    table = tmp_path / "t.csv"
    lines = table.read_text().splitlines()
    lines[-1] = lines[-1].replace("p9", PLANTED)
    table.write_text("\n".join(lines))
    with pytest.raises(UserError, match="1 patient is in more than one of") as error:
        trained(config)
    assert PLANTED not in str(error.value)
