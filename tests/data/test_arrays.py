"""Own images in files of arrays."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from smd import registry
from smd.data import load, npy, suited_net
from smd.data.request import Request
from smd.errors import UserError

LABELS = np.array([0, 1, 0, 1, 1, 0])


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (len(LABELS), *shape), dtype=np.uint8)


def saved(folder, images, labels=LABELS, **more):
    np.savez(folder / "own.npz", images=images, labels=labels, **more)
    return str(folder / "own.npz")


def channels_last(x):
    return x.transpose(0, 2, 3, 1)


@pytest.mark.parametrize(
    ("stored", "as_read"),
    [
        (drawn(8, 8), lambda x: x[:, None]),
        (drawn(8, 8, 3), lambda x: x.transpose(0, 3, 1, 2)),
        (drawn(8, 8, 1), lambda x: x.transpose(0, 3, 1, 2)),
        (drawn(3, 8, 8), lambda x: x),
        (drawn(1, 8, 8), lambda x: x),
        (drawn(5, 8, 9), lambda x: x[:, None]),
        (drawn(3, 5, 8, 9), lambda x: x),
        (drawn(1, 5, 8, 9), lambda x: x),
    ],
    ids=lambda value: "x".join(map(str, value.shape)) if isinstance(value, np.ndarray) else "",
)
@pytest.mark.parametrize("packed", [False, True])
def test_axes_are_read_as_documented(tmp_path, stored, as_read, packed):
    save = np.savez_compressed if packed else np.savez
    save(tmp_path / "own.npz", images=stored, labels=LABELS)
    images = load("folder", str(tmp_path / "own.npz"))
    np.testing.assert_array_equal(images.pixels, as_read(stored))
    assert images.shape == as_read(stored).shape[1:]
    assert images.size == as_read(stored).shape[-2]
    assert images.labels.tolist() == LABELS.tolist()
    assert images.classes == ("0", "1")


def test_the_splits_of_medmnist_stay_as_they_are(tmp_path):
    arrays = {
        f"{part}_images": drawn(4, 6, 6, seed=k) for k, part in enumerate(("train", "val", "test"))
    }
    labels = {
        f"{part}_labels": LABELS[:, None].astype(np.uint8) for part in ("train", "val", "test")
    }
    np.savez(tmp_path / "own.npz", **arrays, **labels, classes=np.array(["benign", "malignant"]))
    images = load("folder", str(tmp_path / "own.npz"))
    assert images.classes == ("benign", "malignant")
    assert images.split.tolist() == [0] * 6 + [1] * 6 + [2] * 6
    np.testing.assert_array_equal(images.pixels[6:12, 0], arrays["val_images"])
    assert images.labels.tolist() == LABELS.tolist() * 3


@pytest.mark.parametrize("name", ["labels.npy", "scans_labels.npy"])
def test_an_npy_file_finds_its_labels_beside_it(tmp_path, name):
    np.save(tmp_path / "scans.npy", drawn(4, 6, 6))
    np.save(tmp_path / name, LABELS)
    images = load("folder", str(tmp_path / "scans.npy"))
    assert images.labels.tolist() == LABELS.tolist()
    np.save(tmp_path / name, 1 - LABELS)
    assert load("folder", str(tmp_path / "scans.npy")).labels.tolist() == (1 - LABELS).tolist()


def test_without_labels_beside_it_both_names_are_told(tmp_path):
    np.save(tmp_path / "scans.npy", drawn(8, 8))
    with pytest.raises(UserError, match=r"scans_labels.npy or labels.npy"):
        load("folder", str(tmp_path / "scans.npy"))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_from_0_to_1_are_the_same_bytes(tmp_path, kind):
    stored = drawn(8, 8)
    images = load("folder", saved(tmp_path, (stored / 255).astype(kind)))
    np.testing.assert_array_equal(images.pixels[:, 0], stored)


def test_image_size_resizes_pictures_as_files_and_volumes_slice_by_slice(tmp_path):
    stored = drawn(3, 12, 10)
    alone = np.asarray(Image.fromarray(stored[2, 1]).resize((8, 8), Image.Resampling.BILINEAR))
    images = load("folder", saved(tmp_path, stored), image_size=8)
    assert images.shape == (3, 8, 8)
    volumes = load("folder", saved(tmp_path, stored[:, None]), image_size=8)
    assert volumes.shape == (1, 3, 8, 8)
    np.testing.assert_array_equal(images.pixels[2, 1], alone)
    np.testing.assert_array_equal(volumes.pixels[2, 0, 1], alone)


def nan(x):
    x = x / 255
    x[3, 2, 1] = np.nan
    return x


BAD = {
    "no numbers": ({"images": drawn(8, 8).astype(np.complex64)}, "images in .*complex64.*integers"),
    "not finite": ({"images": nan(drawn(8, 8))}, "not finite"),
    "objects": ({"images": np.array([{}] * 6)}, "Python objects"),
    "not square": ({"images": drawn(8, 9)}, "9x8 pixels.*image size"),
    "no image": ({"images": drawn()}, r"shape \(6\).*\(N, D, H, W\)"),
    "channels": ({"images": drawn(2, 5, 8, 8)}, "1 or 3 channels"),
    "by columns": ({"images": np.asfortranarray(drawn(8, 8))}, "ascontiguousarray"),
    "without a pixel": ({"images": drawn(0, 0)}, "without a pixel"),
    "several labels": (
        {"labels": np.zeros((6, 14), int)},
        "14 numbers an image.*row 0 .*one class.*argmax",
    ),
    "too few labels": ({"labels": LABELS[:5]}, "6 images"),
    "no whole numbers": ({"labels": LABELS / 2}, "whole numbers"),
    "negative label": ({"labels": LABELS - 1}, "label -1.*from 0"),
    "counted from 1": ({"labels": LABELS + 1}, "no training image with the label 0"),
    "a gap": ({"labels": LABELS * 2}, "no training image with the label 1"),
    "a label far away": ({"labels": LABELS * 10**12}, "no training image with the label 1"),
    "one class": ({"labels": LABELS * 0}, "only one class"),
    "too few names": ({"classes": np.array(["a"])}, "names only 1"),
    "names of nothing": ({"classes": np.array(["a", "b", "c"])}, "label 2"),
    "no names": ({"classes": np.arange(2)}, "no list of strings"),
    "a name twice": ({"classes": np.array(["a", "a"])}, "twice"),
    "no training images": ({"test_images": drawn(8, 8), "images": None}, "no array train_images"),
    "nothing known": ({"images": None}, "it holds labels"),
    "no labels": ({"labels": None}, "no array labels"),
    "empty": ({"images": drawn(8, 8)[:0], "labels": LABELS[:0]}, "no images to train on"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_is_refused_in_one_sentence_and_leaves_nothing(tmp_path, case):
    change, words = BAD[case]
    arrays = {"images": drawn(8, 8), "labels": LABELS} | change
    np.savez(
        tmp_path / "own.npz", **{name: array for name, array in arrays.items() if array is not None}
    )
    with pytest.raises(UserError, match=words):
        load("folder", str(tmp_path / "own.npz"))
    assert not list((tmp_path / "cache").glob("*"))


def test_splits_of_different_sizes_are_refused(tmp_path):
    parts = {
        "train_images": drawn(8, 8),
        "train_labels": LABELS,
        "test_images": drawn(9, 9),
        "test_labels": LABELS,
    }
    np.savez(tmp_path / "own.npz", **parts)
    with pytest.raises(UserError, match=r"train_images .*8x8 pixels.*test_images .*9x9 pixels"):
        load("folder", str(tmp_path / "own.npz"))


def header(shape, descr="|u1"):
    """The header of an array that claims that shape, without its values."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        out, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return out.getvalue()


def member(images, labels=LABELS):
    """An .npz whose images are these very bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", images)
        content = io.BytesIO()
        np.save(content, labels)
        archive.writestr("labels.npy", content.getvalue())
    return out.getvalue()


BROKEN = {
    "no archive": b"no archive",
    "nothing": b"",
    "no array": member(b"no array"),
    "cut off": member(header((6, 8, 8)) + b"0" * 100),
    "claims much": member(header((6, 2**20, 2**20)) + b"0" * 100),
    "claims less than nothing": member(header((-6, 8, 8)) + b"0" * 100),
    "a header that is code": member(b"\x93NUMPY\x01\x00\x10\x00__import__('os')"),
    "a header without end": member(b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b"(" * 10**6),
    "another version": member(b"\x93NUMPY\x07\x00\x10\x00" + b" " * 16),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_refused_before_anything_is_allocated(tmp_path, case):
    (tmp_path / "own.npz").write_bytes(BROKEN[case])
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=r"own\.npz"):
            load("folder", str(tmp_path / "own.npz"))
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert not list((tmp_path / "cache").glob("*"))


def test_a_directory_that_lies_about_a_size_is_cut_off_not_believed(tmp_path):
    claimed = header((600, 8, 8))
    content = member(claimed + bytes(6 * 64), np.arange(600) % 2)
    true, more = ((len(claimed) + n * 64).to_bytes(4, "little") for n in (6, 600))
    assert content.count(true) == 2  # before the member and in the directory
    (tmp_path / "own.npz").write_bytes(content.replace(true, more))
    with pytest.raises(UserError, match=r"images in .*own.npz cannot be read"):
        load("folder", str(tmp_path / "own.npz"))
    assert not list((tmp_path / "cache").glob("*"))


def test_a_file_that_would_fill_the_disk_is_refused(tmp_path, monkeypatch):
    path = saved(tmp_path, drawn(8, 8))
    monkeypatch.setattr("smd.data.disk.free", lambda: 100)
    with pytest.raises(UserError, match="free"):
        load("folder", path)


def test_one_huge_image_is_refused_by_its_header(tmp_path, monkeypatch):
    monkeypatch.setattr("smd.data.arrays.MAX_FILE", 63)
    with pytest.raises(UserError, match="more than 63 bytes each"):
        load("folder", saved(tmp_path, drawn(8, 8)))


def test_large_files_are_copied_in_chunks_that_fit_together(tmp_path, monkeypatch):
    monkeypatch.setattr("smd.data.arrays.CHUNK", 4 * 64)
    stored, heard = drawn(8, 8), []
    path = saved(tmp_path, stored)
    images = load("folder", path, progress=lambda text, share: heard.append(share))
    np.testing.assert_array_equal(images.pixels[:, 0], stored)
    assert heard == [0, 4 / 6, 1]


def test_rows_are_read_as_asked_for(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(10).reshape(5, 2))
    parts = list(npy.chunks(npy.of_file(tmp_path / "a.npy"), 2))
    assert [len(part) for part in parts] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(10).reshape(5, 2))


def as_file(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


@pytest.mark.parametrize("ending", ["", ".zip", ".tar.gz"])
def test_class_folders_may_hold_an_array_for_each_volume(tmp_path, lay_out, pack, ending):
    volumes = drawn(5, 6, 7)
    files = {f"{'ab'[k % 2]}/{k}.npy": as_file(volume) for k, volume in enumerate(volumes)}
    place = tmp_path / f"own{ending}"
    path = str(pack(place, files) if ending else lay_out(place, files))
    images = load("folder", path)
    assert images.shape == (1, 5, 6, 7)
    np.testing.assert_array_equal(images.pixels[:, 0], volumes[[0, 2, 4, 1, 3, 5]])
    assert suited_net(Request(path)) == "volume-cnn"


def test_arrays_beside_pictures_are_not_images(tmp_path, picture, lay_out):
    files = {f"{name}/0.png": picture() for name in "ab"} | {
        "a/features.npy": as_file(np.arange(3))
    }
    path = str(lay_out(tmp_path / "own", files))
    assert len(load("folder", path).labels) == 2
    assert suited_net(Request(path)) == "small-cnn"


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (drawn(6, 6, 7)[0], "'a/0.npy' is 5x6x7 voxels, 'b/1.npy' is 6x6x7 voxels.*depth"),
        (drawn(8, 8)[0], "'a/0.npy' is 5x6x7 voxels, 'b/1.npy' is 8x8 pixels.*one kind"),
        (np.array(["a"]), "'b/1.npy' holds <U1"),
        (np.zeros((0, 3, 3), np.uint8), "'b/1.npy' is empty"),
    ],
)
def test_volumes_that_do_not_fit_together_are_named(tmp_path, lay_out, other, words):
    files = {"a/0.npy": as_file(drawn(5, 6, 7)[0]), "b/1.npy": as_file(other)}
    with pytest.raises(UserError, match=words):
        load("folder", str(lay_out(tmp_path / "own", files)))


def test_the_suited_network_follows_the_headers(tmp_path):
    assert suited_net(Request(saved(tmp_path, drawn(5, 8, 8)))) == "volume-cnn"
    assert suited_net(Request(saved(tmp_path, drawn(8, 8, 3)))) == registry.DATASETS["folder"].net
    (tmp_path / "own.npz").write_bytes(b"broken")
    assert suited_net(Request(str(tmp_path / "own.npz"))) == registry.DATASETS["folder"].net
    assert suited_net(Request("")) == registry.DATASETS["folder"].net
