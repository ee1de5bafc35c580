"""Tables of labels with files of arrays and with folders of slices."""

import numpy as np
import pytest

from smd.data import cached, facts, load
from smd.data.folder import guessed
from smd.data.request import Request
from smd.errors import UserError

pytest.importorskip("pydicom")

from dicom_files import placed

PLANTED = "Mustermann-1955"


def images(n: int = 12, dtype=np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, (n, 8, 8)).astype(dtype)


def written(place, **columns) -> str:
    lines = [columns, *zip(*columns.values(), strict=True)]
    place.write_text("\n".join(",".join(map(str, line)) for line in lines))
    return str(place)


def patients(n: int = 12) -> list[str]:
    return [PLANTED, *(f"p{k // 2}" for k in range(1, n))]


def test_rows_go_by_their_order_or_by_an_index(tmp_path):
    np.save(tmp_path / "own.npy", images())  # without labels beside
    path, dx = str(tmp_path / "own.npy"), ["no", "yes"] * 6
    sites = ["north"] * 6 + ["south"] * 6
    place = written(tmp_path / "t.csv", dx=dx, pid=patients(), hospital=sites)
    one = load("folder", path, labels=place)
    assert (one.classes, one.labels.tolist()) == (("no", "yes"), [0, 1] * 6)
    assert (one.facts.patients, one.facts.groups["site"]) == (
        facts.hashed(patients()),
        tuple(sites),
    )
    assert one.notes == (
        "Columns guessed: label=dx, patient=pid, site=hospital; --columns tells others.",
    )
    order = np.random.default_rng(1).permutation(12).tolist()
    mixed = {"index": order, "dx": [dx[k] for k in order], "pid": [patients()[k] for k in order]}
    other = load("folder", path, labels=written(tmp_path / "u.csv", **mixed))
    assert np.array_equal(other.pixels, one.pixels)
    assert (other.labels.tolist(), other.facts.patients) == (
        one.labels.tolist(),
        one.facts.patients,
    )
    known = guessed(Request(path, labels=str(tmp_path / "u.csv")), float("inf"))
    assert known == "index=index,label=dx,patient=pid"
    kept = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert kept
    assert not [file for file in kept if PLANTED.encode() in file.read_bytes()]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16])
def test_images_without_a_row_are_left_out_and_count_for_nothing(tmp_path, dtype):
    values = images(dtype=dtype)
    values[5] = 255  # else the largest
    np.savez(tmp_path / "own.npz", images=values, labels=np.zeros(12, int))
    rows = [k for k in range(12) if k != 5]
    splits = ["train"] * 8 + ["test"] * 3
    place = written(tmp_path / "t.csv", row=rows, y=[k % 2 for k in rows], split=splits)
    found = load("folder", str(tmp_path / "own.npz"), labels=place, intensity="range")
    assert found.labels.tolist() == [k % 2 for k in rows]
    assert found.split.tolist() == [0] * 8 + [2] * 3
    training = values[[k for k in rows if k < 9]]
    assert (found.intensity.low, found.intensity.high) == (training.min(), training.max())
    share = (values[rows].astype(float) - training.min()) / np.ptp(training)
    assert np.array_equal(found.pixels[:, 0], np.rint(255 * share.clip(0, 1)))
    assert "The labels are those of the table; those of the file are not used." in found.notes
    assert "1 image has no row in the table: left out." in found.notes
    assert len(cached(found.key).labels) == 11


def test_a_table_without_labels_adds_patients_to_those_of_the_file(tmp_path):
    np.savez(
        tmp_path / "own.npz",
        train_images=images(8),
        train_labels=[0, 1] * 4,
        test_images=images(4),
        test_labels=[1, 0] * 2,
    )
    path = str(tmp_path / "own.npz")
    found = load("folder", path, labels=written(tmp_path / "t.csv", pid=patients()))
    assert found.labels.tolist() == [0, 1] * 4 + [1, 0] * 2
    assert found.split.tolist() == [0] * 8 + [2] * 4
    assert len(set(found.facts.patients)) == 7
    same = ["train"] * 8 + ["test"] * 4
    assert load("folder", path, labels=written(tmp_path / "u.csv", pid=patients(), split=same))
    other = written(tmp_path / "v.csv", pid=patients(), split=same[::-1])
    with pytest.raises(UserError, match=r"images of its own, and 'v.csv' has others: .*'split='"):
        load("folder", path, labels=other)
    assert load("folder", path, labels=other, columns="split=").split.tolist() == [0] * 8 + [2] * 4


@pytest.mark.parametrize(
    ("table", "columns", "words"),
    [
        ({"dx": ["a", "b"] * 5}, "", "has 10 rows, and .* 12 images: give each image a row"),
        ({"index": range(1, 13), "dx": ["a", "b"] * 6}, "", "Row 13 .* no place .* from 0 to 11"),
        ({"index": [0] * 12, "dx": ["a", "b"] * 6}, "", "Rows 2 and 3 .* differ in column 'dx'"),
        ({"index": range(12), "n": range(12)}, "", "No column .* is called like a label"),
        ({"dx": ["a", "b"] * 6}, "path=dx", "'path=' in --columns is for image files"),
        ({"k": ["x"] * 12, "dx": ["a", "b"] * 6}, "index=k", "Row 2 .* no place of an image"),
    ],
)
def test_a_table_that_does_not_fit_the_arrays_is_refused(tmp_path, table, columns, words):
    np.save(tmp_path / "own.npy", images())
    place = written(tmp_path / "t.csv", **table)
    with pytest.raises(UserError, match=words):
        load("folder", str(tmp_path / "own.npy"), labels=place, columns=columns)


def test_an_index_is_for_arrays_alone(tmp_path, two_classes, lay_out):
    source = str(lay_out(tmp_path / "own", two_classes))
    place = written(tmp_path / "t.csv", file=list(two_classes), dx=["a", "b"] * 6)
    with pytest.raises(UserError, match="'index=' in --columns is for arrays: for image files wri"):
        load("folder", source, labels=place, columns="index=file")


@pytest.fixture
def series(tmp_path, lay_out):
    """Twelve folders of two slices each, without classes, in one folder."""
    files = {f"all/s{k:02}/{z}.dcm": placed(z, k) for k in range(12) for z in range(2)}
    return str(lay_out(tmp_path / "own", files))


def test_a_row_is_a_folder_of_slices(tmp_path, series):
    names = [f"s{k:02}" for k in range(11)]  # the last one has no row
    place = written(
        tmp_path / "t.csv",
        folder=[f"all/{name}/" for name in names],
        dx=(["no", "yes"] * 6)[:11],
        pid=patients(11),
        split=["train"] * 8 + ["test"] * 3,
    )
    more = {"volumes": True, "intensity": "window:0..20"}
    found = load("folder", series, labels=place, **more)
    assert (found.shape, found.classes) == ((1, 2, 8, 8), ("no", "yes"))
    levels = (found.pixels[:, 0, 0, 0, 0] * 20.0 / 255).round().astype(int).tolist()
    assert levels == [0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 9]  # by split, label and name
    assert found.split.tolist() == [0] * 8 + [2] * 3
    assert found.facts.patients == facts.hashed([patients(11)[k] for k in levels])
    assert "1 image has no row in the table: left out." in found.notes
    kept = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert not [file for file in kept if PLANTED.encode() in file.read_bytes()]
    asked = Request(series, labels=place, volumes=True)
    assert guessed(asked, float("inf")).startswith("path=folder,label=dx")


def test_a_table_adds_patients_to_class_folders_of_series(tmp_path, lay_out):
    files = {f"{n}/s{k}/{z}.dcm": placed(z, k) for n in "ab" for k in range(3) for z in range(2)}
    source = str(lay_out(tmp_path / "own", files))
    rows = [f"{n}/s{k}" for n in "ab" for k in range(3)][:5]
    place = written(tmp_path / "t.csv", path=rows, patient=[PLANTED, "q", "r", "s", "t"])
    found = load("folder", source, labels=place, volumes=True, intensity="range")
    assert found.labels.tolist() == [0, 0, 0, 1, 1]
    assert found.facts.patients == facts.hashed([PLANTED, "q", "r", "s", "t"])
