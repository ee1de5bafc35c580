"""Splits: exact totals, classes' shares kept, stable ids."""

import numpy as np
import pytest

from smd.data.images import Images
from smd.data.split import carve, stratified, summary
from smd.errors import UserError


def images(train, val=(), test=()) -> Images:
    """A set with that many images of each class in each split, classes mixed."""
    rows = [
        (s, label)
        for s, part in enumerate((train, val, test))
        for label, n in enumerate(part)
        for _ in range(n)
    ]
    rows = np.array(rows)[np.random.default_rng(0).permutation(len(rows))]
    classes = tuple(f"class {label}" for label in range(len(train)))
    pixels = np.zeros((len(rows), 1, 1, 1), np.uint8)
    return Images("tiny", "tiny-0", classes, pixels, rows[:, 1], rows[:, 0].astype(np.uint8))


def counts(data, rows):
    return np.bincount(data.labels[rows], minlength=len(data.classes)).tolist()


def test_cifar10_becomes_45000_and_5000():
    data = images(train=[5000] * 10, test=[1000] * 10)
    splits = carve(data, seed=0)
    assert counts(data, splits.train) == [4500] * 10
    assert counts(data, splits.val) == [500] * 10
    assert counts(data, splits.test) == [1000] * 10


def test_odd_counts_still_make_exact_totals():
    data = images(
        train=[4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659], test=[10] * 10
    )
    splits = carve(data, seed=3)
    assert (len(splits.train), len(splits.val)) == (65931, 7326)
    shares = np.array(counts(data, splits.val)) / np.array(counts(data, data.split == 0))
    assert np.abs(shares - 0.1).max() < 1e-3


@pytest.mark.parametrize(
    "parts", [{}, {"test": [9, 4]}, {"val": [3, 5]}, {"val": [3, 5], "test": [9, 4]}]
)
def test_every_row_is_in_one_split_ascending(parts):
    data = images(train=[50, 30], **parts)
    splits = carve(data, seed=1)
    for rows in (splits.train, splits.val, splits.test):
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()
    together = np.concatenate([splits.train, splits.val, splits.test])
    assert sorted(together) == list(range(len(data.labels)))


def test_source_splits_are_kept():
    data = images(train=[50, 30], val=[3, 5], test=[9, 4])
    splits = carve(data, seed=1)
    for value, rows in enumerate((splits.train, splits.val, splits.test)):
        np.testing.assert_array_equal(rows, np.flatnonzero(data.split == value))


def test_seed_moves_validation_but_never_the_test_split():
    data = images(train=[50, 30])
    one, same, other = carve(data, seed=1), carve(data, seed=1), carve(data, seed=2)
    np.testing.assert_array_equal(one.val, same.val)
    assert one.val.tolist() != other.val.tolist()
    np.testing.assert_array_equal(one.test, other.test)
    assert counts(data, one.test) == [10, 6]
    assert counts(data, one.val) == counts(data, other.val) == [4, 2]


def test_carved_rows_never_move():
    """A later version must find the same images: the ids of finished runs depend on it."""
    splits = carve(images(train=[20, 20]), seed=7)
    assert splits.test.tolist() == [3, 11, 19, 20, 21, 23, 31, 35]
    assert splits.val.tolist() == [17, 18, 22]


def test_n_train_takes_a_stratified_part_and_leaves_validation():
    data = images(train=[600, 300], test=[9, 4])
    full, part = carve(data, seed=1), carve(data, seed=1, n_train=90)
    assert counts(data, part.train) == [60, 30]
    assert set(part.train) < set(full.train)
    np.testing.assert_array_equal(part.val, full.val)
    np.testing.assert_array_equal(part.test, full.test)
    assert part.train.tolist() != carve(data, seed=2, n_train=90).train.tolist()


def test_each_class_keeps_a_training_image():
    with pytest.raises(UserError, match="'class 2' has no training image left"):
        carve(images(train=[500, 500, 3], test=[1, 1, 1]), seed=0, n_train=2)


def test_more_than_there_are():
    with pytest.raises(UserError, match="n_train is 73, but there are 72 training images"):
        carve(images(train=[40, 40], test=[1, 1]), seed=0, n_train=73)


def test_stratified_spreads_the_remainder():
    labels = np.repeat([0, 1, 2], [10, 10, 10])
    for n in range(31):
        rows = stratified(np.arange(30), labels, n, seed=(5,))
        assert len(rows) == n
        taken = np.bincount(labels[rows], minlength=3)
        assert taken.max() - taken.min() <= 1


def test_summary_counts_what_a_run_gets():
    data = images(train=[50, 30], test=[9, 4])
    assert summary(data) == [
        {"class": "class 0", "train": 45, "val": 5, "test": 9},
        {"class": "class 1", "train": 27, "val": 3, "test": 4},
    ]
