"""Margins class by class, from one epoch to another, and as curves."""

import numpy as np
import pytest
from storing import N, epoch, started

from smd.store import reader


@pytest.fixture
def store(tmp_path):
    """Labels alternate; in epoch k the samples of class 0 have margins of k/255, those of class 1
    of 2k/255."""
    recorder = started(tmp_path / "run.duckdb")
    for number in (1, 2, 3):
        margins = np.where(np.arange(N) % 2, 2 * number, number) / 255
        # ever more explorations meet the boundary: those of the first ids
        met = np.arange(N) >= number
        clean = np.arange(N) != N - 1
        recorder.epoch(epoch(number, margins, clean=clean, adv=met))
    return tmp_path / "run.duckdb"


def test_each_class_has_its_own_histogram(store):
    found = reader.class_hist(store, 2)
    assert found.to_numpy().tolist() == [
        [0, "found", 2, 1],
        [0, "reached", 2, 2],
        [1, "misclassified", -1, 1],
        [1, "found", 4, 1],
        [1, "reached", 4, 1],
    ]


def test_each_class_is_summed_up_in_every_epoch_or_in_one(store):
    found = reader.class_summary(store)
    assert found[["epoch", "label", "n"]].to_numpy().tolist() == [
        [e, k, 3] for e in (1, 2, 3) for k in (0, 1)
    ]
    assert (255 * found["q50"]).round(4).tolist() == [1, 2, 2, 4, 3, 6]
    assert (255 * found["mean"]).round(4).tolist() == [1, 2, 2, 4, 3, 6]
    assert found["misclassified"].tolist() == [0, 1] * 3
    assert reader.class_summary(store, 3)["epoch"].tolist() == [3, 3]


def test_only_correct_images_whose_exploration_met_the_boundary_are_found(store):
    found = reader.class_summary(store)
    assert found["found"].tolist() == [1, 0, 1, 1, 2, 1]
    assert (found[["found", "reached", "misclassified"]].sum(axis=1) == found["n"]).all()


def test_who_is_at_the_boundary_is_held_against_its_own_mean(tmp_path):
    recorder = started(tmp_path / "run.duckdb")
    met = np.array(
        [  # epochs by samples; those of even ids are of class 0
            [1, 0, 1, 0, 0, 0],
            [0, 0, 1, 1, 0, 0],
            [1, 0, 0, 0, 0, 0],
            [1, 0, 0, 0, 0, 0],
        ],
        bool,
    )
    for number, crossed in enumerate(met, start=1):
        clean = np.arange(N) != 3 if number == 3 else np.ones(N, bool)
        recorder.epoch(epoch(number, clean=clean, adv=clean & ~crossed))
    rows = reader.at_boundary(tmp_path / "run.duckdb")
    assert rows.round(6).to_numpy().tolist() == [
        [1, 0, 2, 2, 1, 0.0],  # 0 is held and 2 crosses again, each half of the time
        [2, 0, 1, 1, 1, 0.5],  # 2 is held
        [2, 1, 1, 0, 0, 0.0],  # 3, misclassified next, is there only once
        [3, 0, 1, 1, 0, -0.5],  # 0 crosses again
    ]


def test_densities_of_a_class_add_up_to_one_in_every_epoch(store):
    found = reader.class_density(store)
    total = (found["density"] * found["width"]).groupby([found["label"], found["epoch"]]).sum()
    assert len(total) == 6
    assert np.allclose(total, 1)
    assert found["every"].unique().tolist() == [1]
    assert found["width"].unique().tolist() == [1]


@pytest.mark.slow
def test_a_density_of_many_epochs_and_large_margins_stays_small(tmp_path):
    recorder = started(tmp_path / "run.duckdb")
    for number in range(1, 91):
        recorder.epoch(epoch(number, np.linspace(0, 100, N) / 255))
    found = reader.class_density(tmp_path / "run.duckdb")
    assert found["every"].unique().tolist() == [3]
    assert found["width"].unique().tolist() == [7]  # 101 steps of 1/255 in at most 16 bins
    assert set(found["epoch"]) == set(range(3, 91, 3))
    total = (found["density"] * found["width"]).groupby([found["label"], found["epoch"]]).sum()
    assert np.allclose(total, 1)


@pytest.mark.slow
def test_flow_pairs_each_sample_with_itself(store):
    found = reader.flow(store, 1, 3)
    # the last one is misclassified and has no margin
    assert found["idx"].tolist() == list(range(N - 1))
    assert found["source"].tolist() == list(range(100, 100 + N - 1))
    assert (255 * found["before"]).round(4).tolist() == [1, 2, 1, 2, 1]
    assert (255 * found["after"]).round(4).tolist() == [3, 6, 3, 6, 3]
    assert reader.flow(store, 1, 9).empty


def test_curves_are_those_of_the_asked_samples_in_the_order_of_the_epochs(store):
    found = reader.margin_curves(store, (4, 1)).set_index("idx")["curve"]
    assert np.allclose(found[4], [1, 2, 3])
    assert np.allclose(found[1], [2, 4, 6])
    assert len(found) == 2
    assert reader.margin_curves(store, (N - 1,))["curve"][0].tolist() == [0, 0, 0]


def test_a_store_without_margins_has_no_rows(tmp_path):
    path = tmp_path / "none.duckdb"
    assert reader.class_hist(path, 1).empty
    assert reader.class_summary(path).empty
    assert reader.class_density(path).empty
    assert reader.flow(path, 1, 2).empty
    assert reader.margin_curves(path, (0,)).empty
