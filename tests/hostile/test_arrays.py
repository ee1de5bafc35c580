"""Files of arrays as Keras, MedMNIST and others write them are taken, or refused in a sentence that
helps."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from making_arrays import one_hot, pictures, saved

from smd.data import labels, load, npy
from smd.errors import UserError

NUMBERS = np.array([0, 1, 2, 2, 1, 0])
X = pictures(6)


@pytest.fixture(autouse=True)
def roots(tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("images", "answers"),
    [
        ("x_{}", "y_{}"),
        ("X_{}", "Y_{}"),
        ("{}_images", "{}_labels"),
        ("{}_x", "{}_y"),
        ("images_{}", "targets_{}"),
        ("{}_images", "y_{}"),
    ],
)
@pytest.mark.parametrize(
    "splits", [("train", "test"), ("train", "val", "test"), ("training", "validation", "testing")]
)
def test_every_usual_name_is_understood_and_every_split_is_kept(tmp_path, images, answers, splits):
    arrays = {images.format(split): pictures(6, seed=k) for k, split in enumerate(splits)}
    arrays |= {answers.format(split): NUMBERS for split in splits}
    found = load("folder", saved(tmp_path, **arrays))
    numbers = {"tr": 0, "va": 1, "te": 2}
    assert found.split.tolist() == [numbers[split[:2]] for split in splits for _ in NUMBERS]
    for k, split in enumerate(splits):
        np.testing.assert_array_equal(
            found.pixels[found.split == numbers[split[:2]], 0], pictures(6, seed=k)
        )


def test_images_without_a_split_beside_a_test_split_are_those_to_train_on(tmp_path):
    found = load("folder", saved(tmp_path, x=X, y=NUMBERS, x_test=pictures(6, 1), y_test=NUMBERS))
    assert found.split.tolist() == [0] * 6 + [2] * 6


TAKEN = {
    "one-hot floats": (one_hot(NUMBERS, 3), ("0", "1", "2")),
    "one-hot numbers": (one_hot(NUMBERS, 3, np.int64), ("0", "1", "2")),
    "one-hot flags": (one_hot(NUMBERS, 3, bool), ("0", "1", "2")),
    "whole floats": (NUMBERS.astype(np.float64), ("0", "1", "2")),
    "whole floats in a column": (NUMBERS.astype(np.float16)[:, None], ("0", "1", "2")),
    "names": (np.array(["ant", "bee", "cow"])[NUMBERS], ("ant", "bee", "cow")),
    "names in bytes": (np.array([b"ant", b"bee", "kü".encode()])[NUMBERS], ("ant", "bee", "kü")),
    "names in a column": (np.array(["ant", "bee", "cow"])[NUMBERS][:, None], ("ant", "bee", "cow")),
}


@pytest.mark.parametrize("case", TAKEN)
def test_labels_of_every_usual_kind_are_taken(tmp_path, case):
    stored, classes = TAKEN[case]
    found = load("folder", saved(tmp_path, x_train=X, y_train=stored))
    assert found.labels.tolist() == NUMBERS.tolist()
    assert found.classes == classes


def test_one_spelling_of_a_name_is_one_class(tmp_path):
    names = np.array(["caf\u00e9", "cafe\u0301", "tea", "tea ", "tea", "tea"])
    found = load("folder", saved(tmp_path, x_train=X, y_train=names))
    assert found.classes == ("caf\u00e9", "tea")
    assert found.labels.tolist() == [0, 0, 1, 1, 1, 1]


def test_names_are_counted_in_the_order_that_classes_gives(tmp_path):
    names = np.array(["ant", "bee", "cow"])[NUMBERS]
    found = load(
        "folder", saved(tmp_path, x_train=X, y_train=names, classes=np.array(["cow", "bee", "ant"]))
    )
    assert found.classes == ("cow", "bee", "ant")
    assert found.labels.tolist() == (2 - NUMBERS).tolist()


def test_that_one_hot_labels_were_taken_is_said(tmp_path):
    found = load("folder", saved(tmp_path, x_train=X, y_train=one_hot(NUMBERS, 3)))
    assert any("one-hot" in note for note in found.notes)


def changed(row, values, kind=np.float32):
    hot = one_hot(NUMBERS, 3, kind)
    hot[row] = values
    return hot


REFUSED = {
    "two of a row": ({"y_train": changed(4, [1, 1, 0])}, r"row 4 is not a single 1.*argmax"),
    "none of a row": ({"y_train": changed(2, 0)}, r"row 2 is not a single 1"),
    "shares": ({"y_train": changed(0, [0.5, 0.25, 0.25])}, r"row 0 .*labels.argmax\(axis=1\)"),
    "no number among them": ({"y_train": changed(1, np.nan)}, "row 1 is not a single 1"),
    "a column of nothing": ({"y_train": one_hot(NUMBERS, 4)}, "no training image with the label 3"),
    "half": ({"y_train": NUMBERS / 2}, "the label 0.5.*whole numbers"),
    "not finite": ({"y_train": np.where(NUMBERS, NUMBERS, np.nan)}, "the label nan"),
    "infinite": ({"y_train": np.where(NUMBERS, NUMBERS, np.inf)}, "the label inf"),
    "too large to be exact": ({"y_train": NUMBERS * 1e300}, "the label 1e"),
    "negative float": ({"y_train": NUMBERS - 1.0}, "the label -1.0.*from 0"),
    "complex": ({"y_train": NUMBERS + 0j}, "complex128 values"),
    "dates": ({"y_train": NUMBERS.astype("M8[D]")}, "values: labels are"),
    "two names a row": ({"y_train": np.full((6, 2), "a")}, "2 names an image"),
    "an empty name": (
        {"y_train": np.array(["a", "b", " ", "a", "b", "a"])},
        "empty label in row 2",
    ),
    "no UTF-8": ({"y_train": np.array([b"a", b"M\xe4nner"] * 3)}, "no text in UTF-8"),
    "half a pair": ({"y_train": np.array(["a", "\ud800"] * 3)}, "no text in UTF-8"),
    "no columns": ({"y_train": np.zeros((6, 0))}, r"shape \(6, 0\)"),
    "three axes": ({"y_train": np.zeros((6, 1, 1))}, r"shape \(6, 1, 1\)"),
    "two arrays for the same": ({"train_images": X}, "both train_images and x_train"),
    "labels of nothing": ({"y_test": NUMBERS}, "has y_test, but no images"),
    "images without labels": ({"x_test": X}, "no array y_test, the labels of x_test"),
    "kinds that differ": (
        {"x_test": X, "y_test": NUMBERS.astype(str), "y_train": NUMBERS},
        "different kinds",
    ),
    "columns that differ": (
        {"x_test": X, "y_test": one_hot(NUMBERS, 4), "y_train": one_hot(NUMBERS, 3)},
        "different kinds",
    ),
    "a name only in test": (
        {"x_test": X, "y_test": np.array(["a", "z"] * 3), "y_train": np.array(["a", "b"] * 3)},
        "no training image with the label 2, 'z'",
    ),
    "a name that classes lacks": (
        {"y_train": np.array(["a", "b"] * 3), "classes": np.array(["a", "c"])},
        "'b', which classes does not name",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_label_is_refused_in_one_sentence(tmp_path, case):
    change, words = REFUSED[case]
    with pytest.raises(UserError, match=words) as told:
        load("folder", saved(tmp_path, **{"x_train": X, "y_train": NUMBERS} | change))
    assert "column" not in str(told.value)  # nobody is asked to throw labels away
    assert not list((tmp_path / "cache").glob("*"))


def test_a_small_file_that_unpacks_to_much_is_refused_before_anything_is_stored(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("smd.data.archive.MUCH", 2**20)
    np.savez_compressed(
        tmp_path / "own.npz",
        x_train=np.zeros((4096, 32, 32), np.uint8),
        y_train=np.arange(4096) % 2,
    )
    with pytest.raises(UserError, match="is refused"):
        load("folder", str(tmp_path / "own.npz"))
    assert not list((tmp_path / "cache").glob("*"))


def stored(tmp_path, array):
    np.save(tmp_path / "labels.npy", array)
    return npy.of_file(tmp_path / "labels.npy")


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_all_forms_of_the_same_labels_mean_the_same(tmp_path, numbers):
    plain = np.array(numbers)
    forms = (
        plain,
        plain.astype(np.uint8),
        plain.astype(np.float32),
        plain[:, None],
        one_hot(plain, 6),
    )
    for form in forms:
        found, _ = labels.joined([labels.of(stored(tmp_path, form), len(plain))], None)
        assert found.tolist() == numbers
        assert found.dtype == np.int64


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.text(max_size=5), min_size=1, max_size=10))
def test_names_come_back_or_are_refused(tmp_path, names):
    try:
        found, classes = labels.joined(
            [labels.of(stored(tmp_path, np.array(names)), len(names))], None
        )
    except UserError:
        assert not all(name.strip("\0").strip() for name in names)  # refused for no other reason
        return
    assert list(classes) == sorted(set(classes))
    assert len(found) == len(names)
