"""Carved splits give every class its share, whatever the classes are called and however many there
are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making_arrays import counted

from smd.data.split import TEST_FRACTION, VAL_FRACTION, carve
from smd.errors import UserError
from smd.runs.folders import Run
from smd.store.writer import Recorder
from smd.tasks.images import splits_of

PARTS = ("train", "val", "test")
MANY = st.lists(st.integers(1, 60), min_size=2, max_size=60).filter(
    lambda counts: sum(counts) >= 20
)
SEEDS = st.integers(0, 9)


def counts_of(images, splits):
    return {
        p: np.bincount(images.labels[getattr(splits, p)], minlength=len(images.classes))
        for p in PARTS
    }


def test_a_thousand_classes_of_four_each_give_their_share():
    images = counted([4] * 1000)
    found = counts_of(images, carve(images, seed=0))
    assert {part: int(found[part].sum()) for part in PARTS} == {
        "train": 2880,
        "val": 320,
        "test": 800,
    }
    assert found["train"].min() >= 1
    assert found["test"].max() == 1
    for part, expected in (("test", 800), ("val", 320)):
        halves = found[part][:500].sum(), found[part][500:].sum()
        assert min(halves) > expected * 0.4  # the alphabet decides nothing


def test_a_thousand_classes_of_two_each_keep_an_image_to_train_on():
    images = counted([2] * 1000)
    found = counts_of(images, carve(images, seed=3))
    assert found["train"].min() == 1
    assert (found["test"].sum(), found["val"].sum()) == (400, 160)


def test_as_many_training_images_as_classes_are_one_of_each():
    images = counted([300, 200, 3, 3])
    assert counts_of(images, carve(images, seed=0, n_train=20))["train"].tolist() == [11, 7, 1, 1]
    images = counted([4] * 1000)
    assert counts_of(images, carve(images, seed=0, n_train=1000))["train"].tolist() == [1] * 1000


@settings(max_examples=200, deadline=None)
@given(MANY, SEEDS)
def test_shares_are_proportional_to_less_than_one_image_and_every_row_is_in_one_split(counts, seed):
    images = counted(counts)
    try:
        splits = carve(images, seed)
    except UserError as error:  # nearly all classes have a single image
        assert "too few images" in str(error)  # not raised for most of what is drawn
        assert sorted(counts)[len(counts) // 2] == 1
        return
    found, counts = counts_of(images, splits), np.array(counts)
    rows = np.concatenate([splits.train, splits.val, splits.test])
    assert sorted(rows) == list(range(len(images.labels)))
    assert found["train"].min() >= 1
    left = counts - found["test"]
    for part, of, share in (("test", counts, TEST_FRACTION), ("val", left, VAL_FRACTION)):
        n = round(share * of.sum())
        assert (np.abs(found[part] - of * n / of.sum()) < 1).all()
        assert found[part].sum() == n or (of == 1).sum() > 1
        assert found[part].sum() <= n


@settings(max_examples=100, deadline=None)
@given(MANY, SEEDS, st.integers(0, 99))
def test_totals_and_totals_of_classes_do_not_depend_on_the_order_of_rows(counts, seed, order):
    sets = [counted([n + 1 for n in counts], order=by) for by in (None, order)]
    one, other = (counts_of(images, carve(images, seed)) for images in sets)
    for part in PARTS:
        np.testing.assert_array_equal(one[part], other[part])


@settings(max_examples=100, deadline=None)
@given(MANY, SEEDS, st.data())
def test_a_part_of_the_training_images_has_exactly_the_size_asked_for(counts, seed, data):
    images = counted([n + 1 for n in counts])
    full = carve(images, seed)
    n_train = data.draw(st.integers(1, len(full.train)))
    try:
        part = carve(images, seed, n_train)
    except UserError as error:
        assert "has no training image left" in str(error)  # as above
        return
    assert len(part.train) == n_train
    assert set(part.train) <= set(full.train)
    np.testing.assert_array_equal(part.val, full.val)
    np.testing.assert_array_equal(part.test, full.test)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_carves_the_same(seed):
    images = counted([7, 5, 5, 5, 3, 2, 1])
    one, again = carve(images, seed), carve(images, seed)
    for part in PARTS:
        np.testing.assert_array_equal(getattr(one, part), getattr(again, part))


def begun(run, rows, images):
    """The run's store says that it began with these rows of every split."""
    Recorder(run.store).start(
        {"images": images.key}, {part: (images.labels[of], of) for part, of in rows.items()}
    )
    return run


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run").mkdir()
    return Run("run", tmp_path / "run")


def test_a_run_keeps_the_rows_that_it_began_with_whatever_is_carved_now(run):
    images = counted([10, 10])
    rows = {"train": np.arange(2, 18), "val": np.array([0, 19]), "test": np.array([1, 18])}
    splits = splits_of(begun(run, rows, images), images)
    for part, of in rows.items():
        np.testing.assert_array_equal(getattr(splits, part), of)


@pytest.mark.slow
@pytest.mark.parametrize(
    "test",
    [[-1, 18], [18, 20], [18, 1], [1, 1], [2, 18]],
    ids=["negative", "beyond", "descending", "twice", "of training, too"],
)
def test_rows_of_a_store_that_are_none_of_these_images_are_refused(run, test):
    images = counted([10, 10])
    rows = {"train": np.arange(2, 18), "val": np.array([0, 19]), "test": np.array(test)}
    more = counted([10, 11])  # the label of a row that is not there
    begun(run, rows, more)
    with pytest.raises(UserError, match="not rows of its images"):
        splits_of(run, images)
