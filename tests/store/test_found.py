"""What all attacks and estimates of a store together know of the distance to the boundary."""

import numpy as np
import pytest
from storing import attack, estimate, started

from smd.store import reader


@pytest.fixture
def path(tmp_path):
    """Four test images; the last is misclassified when clean."""
    path = tmp_path / "run.duckdb"
    recorder = started(path)
    attack(recorder, eps=8 / 255, ok=(1, 0, 1, 0), stage=(-1, 1, -1, 0))
    attack(recorder, "autoattack", eps=4 / 255, ok=(1, 0, 1, 0), stage=(-1, 2, -1, 0), created=2.0)
    attack(recorder, "ce-pgd", eps=1 / 255, ok=(0, 0, 0, 0), stage=(1, 1, 1, 0), norm="L2")
    attack(recorder, eps=2 / 255, ok=(0, 0, 0, 0), stage=(1, 1, 1, 0), note="weights=ema")
    met = (True, True, False, False)
    found = {"split": "test", "crossed": met, "clean": (True, True, True, False)}
    estimate(recorder, (5, 6, 9, 0), "min-norm", 0.0, **found)
    proven = {"split": "test", "crossed": (False,) * 4, "clean": (True, True, True, False)}
    estimate(recorder, (1, 2, 3, 0), "certified", 0.0, created=3.0, **proven)
    estimate(recorder, (2, 1, 3, 0), "certified", 0.0, created=4.0, **proven)
    recorder.flush()
    return path


def told(table):
    return {row.idx: round(255 * row.distance, 3) for row in table.itertuples()}


def test_the_nearest_boundary_of_any_attack_or_search_counts_and_is_named(path):
    table = reader.nearest_found(path, "test")
    assert told(table) == {0: 5.0, 1: 4.0}  # a search that met nothing tells nothing
    assert list(table["found_by"]) == ["min-norm", "autoattack"]
    assert list(table["attack"]) == [False, True]


def test_other_weights_and_norms_are_other_distances(path):
    assert set(told(reader.nearest_found(path, "test", weights="ema"))) == {0, 1, 2}
    assert told(reader.nearest_found(path, "test", "L2"))[2] == 1.0
    assert reader.nearest_found(path, "train").empty


def test_only_attacks_tell_what_is_broken(path):
    assert told(reader.broken(path, "test")) == {1: 4.0}


def test_what_was_taken_over_is_no_find_of_its_own_however_it_is_rounded(tmp_path):
    """A length is stored in single precision, where 16/255 is a little more than it is."""
    path = tmp_path / "run.duckdb"
    recorder = started(path)
    met = {"ok": (0, 1, 1, 1), "stage": (1, -1, -1, -1)}
    beyond = float(np.nextafter(np.float32(16 / 255), np.float32(1)))
    attack(recorder, "autoattack", eps=16 / 255, distance=beyond, **met)
    sound = {"eps": 32 / 255, "note": "sound=yes", "created": 2.0}
    own = {"ok": (0, 0, 1, 1), "stage": (1, 2, -1, -1)}  # the first was taken over
    attack(recorder, distance=16 / 255, **own, **sound)
    recorder.flush()
    known = reader.broken(path, "test").set_index("idx")["distance"]
    assert known[0] <= 16 / 255
    assert set(known.index) == {0, 1}  # what it broke itself is its find
    assert list(reader.nearest_found(path, "test")["found_by"]) == ["autoattack", "ce-pgd"]


def test_of_finds_in_two_balls_the_smaller_counts_however_it_is_rounded(tmp_path):
    path = tmp_path / "run.duckdb"
    recorder = started(path)
    beyond = float(np.nextafter(np.float32(16 / 255), np.float32(1)))
    attack(recorder, eps=16 / 255, ok=(0,) * 4, distance=beyond)
    attack(recorder, eps=32 / 255, ok=(0,) * 4, distance=16 / 255, created=2.0)
    recorder.flush()
    assert (reader.broken(path, "test")["distance"] <= 16 / 255).all()


def test_the_farthest_certificate_counts_and_misclassified_images_have_none(path):
    assert told(reader.certified(path, "test")) == {0: 2.0, 1: 2.0, 2: 3.0}


def test_a_certified_margin_is_a_kind_of_its_own(path):
    ids = reader.estimates(path).set_index("method")["id"]
    kinds = reader.estimate_results(path, ids["certified"].iloc[0])["kind"]
    assert list(kinds) == ["certified"] * 3 + ["misclassified"]
    counts = reader.estimate_hist(path, ids["certified"].iloc[0])
    assert set(counts["kind"]) == {"certified", "misclassified"}
    assert list(reader.estimate_results(path, ids["min-norm"])["kind"][:3]) == [
        "found",
        "found",
        "reached",
    ]
