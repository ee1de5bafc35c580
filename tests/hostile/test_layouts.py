"""No split, class or file is replaced or left out without a word, whatever folders and files are
called."""

import io
import os
import tempfile
import unicodedata
import zipfile
from pathlib import Path
from random import Random

import making_images as making
import numpy as np
import pytest

from smd.data import filenames, layout, load, names
from smd.errors import UserError


@pytest.fixture(autouse=True)
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))


def split(n: int = 2, *parts: str) -> dict[str, bytes]:
    """Images of two classes in each of these folders."""
    every = making.two_classes(n)
    return {f"{part}/{name}": data for part in parts for name, data in every.items()}


@pytest.mark.parametrize("name", ["test", "Testing", "test_set", "val", "valid"])
@pytest.mark.parametrize("held", [None, "a/0.heic", "notes.txt"])
def test_a_split_without_images_is_never_drawn_anew(tmp_path, name, held):
    folder = making.lay_out(tmp_path / "own", split(4, "train"))
    load("folder", str(folder))  # what was imported before does not hide it
    (folder / name).mkdir()
    if held:
        making.lay_out(folder / name, {held: b"what is this"})
    words = rf"'{name}' in .* holds no images" + (f" but 1 {Path(held).suffix}" if held else "")
    with pytest.raises(UserError, match=words):
        load("folder", str(folder))


def test_an_empty_split_beside_a_wrapping_folder_or_in_an_archive(tmp_path):
    folder = making.lay_out(tmp_path / "own", split(2, "pets/train"))
    (folder / "test").mkdir()
    with pytest.raises(UserError, match=r"'test' in .* holds no images"):
        load("folder", str(folder))
    place = making.zip_of(tmp_path / "own.zip", split(2, "train") | {"test/": b""})
    with pytest.raises(UserError, match=r"'test' in .* holds no images"):
        load("folder", str(place))


@pytest.fixture
def open_folder(monkeypatch):
    """A folder that anybody may use, as pytest's own are not, with a cache in it."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o777)
        monkeypatch.setenv("SMD_CACHE", f"{made}/cache")
        yield Path(made)


@pytest.mark.parametrize("mode", [0o700, 0o744, 0o711])
@pytest.mark.parametrize("name", ["test", "test/a", "train/b"])
def test_a_folder_that_may_not_be_listed_or_entered_is_said_so(open_folder, mode, name):
    folder = making.lay_out(open_folder / "own", split(2, "train", "test"))
    assert making.as_anybody(lambda: load("folder", str(folder))) == ""
    (folder / name).chmod(mode & 0o077 if os.getuid() else mode)
    said = making.as_anybody(lambda: load("folder", str(folder)))
    (folder / name).chmod(0o755)
    assert said.startswith("UserError: ")
    assert "ermission is denied, ask its owner" in said
    assert name in said


def test_a_file_that_may_not_be_read_is_said_so(open_folder):
    folder = making.lay_out(open_folder / "own", making.two_classes())
    (folder / "b" / "1.png").chmod(0o600 if os.getuid() == 0 else 0)
    said = making.as_anybody(lambda: load("folder", str(folder)))
    assert "b/1.png cannot be read: permission is denied" in said


def test_a_cache_that_may_not_be_written_is_said_so(open_folder):
    folder = making.lay_out(open_folder / "own", making.two_classes())
    open_folder.chmod(0o755 if os.getuid() == 0 else 0o555)
    said = making.as_anybody(lambda: load("folder", str(folder)))
    open_folder.chmod(0o777)
    assert "cannot be written (Permission denied): point SMD_CACHE at a folder that can" in said


def test_no_images_says_what_was_seen(tmp_path):
    files = {f"a/{i}.heic": b"x" for i in range(3)} | {"b/README": b"x"}
    with pytest.raises(
        UserError, match=r"no images in .*, it holds 3 \.heic, 1 with no ending: it needs"
    ):
        load("folder", str(making.lay_out(tmp_path / "own", files)))


SYSTEM = [
    "@eaDir/0.png",
    ".thumbnails/0.png",
    "__MACOSX/0.png",
    ".ipynb_checkpoints/0.png",
    "Thumbs.db",
    ".DS_Store",
]


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_left_out_is_counted_and_kept_with_the_set(tmp_path, packed):
    files = (
        making.two_classes()
        | {f"a/{name}": making.picture() for name in SYSTEM}
        | {"a/1.heic": b"x"}
    )
    place = (
        making.zip_of(tmp_path / "own.zip", files)
        if packed
        else making.lay_out(tmp_path / "own", files)
    )
    for _ in range(2):  # the second time from the cache
        images = load("folder", str(place))
        assert len(images.labels) == 6
        assert images.notes == (
            "1 file is left out, it is no image: 1 .heic.",
            "6 hidden or system files are left out: 4 .png, 1 .db, 1 with no ending.",
        )


def test_deeper_folders_belong_to_the_class_in_folders_and_archives(tmp_path):
    files = {
        f"{c}/{where}{i}.png": making.picture(i)
        for c in "ab"
        for where in ("", "x/", "x/y/")
        for i in range(2)
    }
    for place in (
        making.lay_out(tmp_path / "own", files),
        making.zip_of(tmp_path / "own.zip", files),
    ):
        images = load("folder", str(place))
        assert (images.classes, np.bincount(images.labels).tolist()) == (("a", "b"), [6, 6])


def test_links_within_a_class_lead_nowhere_and_are_counted(tmp_path):
    folder = making.lay_out(tmp_path / "own", split(2, "train", "test"))
    (folder / "train" / "a" / "more").mkdir()
    (folder / "train" / "a" / "more" / "tests").symlink_to(folder / "test")
    (folder / "train" / "a" / "circle").symlink_to(folder)
    images = load("folder", str(folder))
    assert np.bincount(images.split).tolist() == [4, 0, 4]
    assert images.notes == ("2 files are left out, they are no images: 2 with no ending.",)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Training", "Testing"),
        ("training_set", "test_set"),
        ("TRAIN", "Test Set"),
        ("top/a/train", "top/a/test"),
    ],
)
def test_splits_are_known_by_their_usual_names(tmp_path, train, test):
    images = load("folder", str(making.lay_out(tmp_path / "own", split(2, train, test))))
    assert (images.classes, np.bincount(images.split).tolist()) == (("a", "b"), [4, 0, 4])


def test_splits_within_classes_are_refused(tmp_path):
    files = {f"{c}/{part}/0.png": making.picture() for c in "ab" for part in ("train", "test")}
    with pytest.raises(UserError, match=r"'a/test' in .* is a split within a class"):
        load("folder", str(making.lay_out(tmp_path / "own", files)))


def test_a_zip_with_backslashes(tmp_path):
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as opened:
        for name, data in split(2, "pets/train", "pets/test").items():
            info = zipfile.ZipInfo("x")
            info.filename = name.replace("/", "\\")
            opened.writestr(info, data)
    images = load("folder", str(tmp_path / "own.zip"))
    assert np.bincount(images.split).tolist() == [4, 0, 4]


def test_two_ways_to_write_a_name_are_one_class(tmp_path):
    one, two = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    files = {f"train/{one}/0.png": making.picture(0), f"train/{two}/1.png": making.picture(1)}
    files |= {
        "train/b/0.png": making.picture(2),
        f"test/{two}/0.png": making.picture(3),
        "test/b/0.png": making.picture(4),
    }
    images = load("folder", str(making.lay_out(tmp_path / "own", files)))
    assert images.classes == ("b", one)
    assert np.bincount(images.labels).tolist() == [2, 3]


def test_names_that_cannot_be_shown_are_repaired_where_everybody_sees_it(tmp_path):
    folder = making.lay_out(tmp_path / "own", {"b/0.png": making.picture()})
    for name in (b"caf\xe9", b"x\ny", b"\x1b[31mred", "\u202egnp".encode()):
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).mkdir()
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name + b"/\xff.png")).write_bytes(
            making.picture()
        )
    images = load("folder", str(folder))
    assert set(images.classes) == {"b", r"caf\xe9", r"x\ny", r"\x1b[31mred", r"\u202egnp"}
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9/\xff.png")).write_bytes(b"broken")
    with pytest.raises(UserError, match=r"'caf\\xe9/\\xff.png' cannot be read"):
        load("folder", str(folder))


SIGNS = [
    *map(chr, range(0x180)),
    "e\u0301",
    "\u202e",
    "\u2028",
    "\ufeff",
    "\udc80",
    "\udcff",
    "\ud800",
    "\U0001f600",
    "#",
    "<b>",
]


@pytest.mark.parametrize("seed", range(200))
def test_any_name_can_be_shown(seed):
    random = Random(seed)
    shown = names.visible("".join(random.choices(SIGNS, k=random.randrange(30))))
    assert shown.encode().decode() == shown
    assert names.visible(shown) == shown
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize("seed", range(50))
def test_every_file_becomes_one_row_whatever_the_order(seed):
    random = Random(seed)

    def word():
        letters = ["a", "b", "T", "x", " ", "é", "e\u0301", "-", "\udce9"]
        return "".join(random.choices(letters, k=4))

    paths = sorted(
        {f"{name}/{word()}.png" for name in ("one", *(word() for _ in range(3))) for _ in range(3)}
    )
    plan = layout.plan(paths, "here")
    random.shuffle(paths)
    again = layout.plan(paths, "here")
    assert sorted(plan.names) == sorted(paths)
    assert plan.names == again.names
    assert [plan.classes[label] for label in plan.labels] == [
        names.visible(p.split("/")[0]) for p in plan.names
    ]


@pytest.mark.parametrize(
    "places",
    [
        ("training_set/training_set", "test_set/test_set"),
        ("archive/training_set/training_set", "archive/test_set/test_set"),
        ("train/images", "test/images", "valid/images"),
        ("train/train", "test"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_around_the_classes_of_a_split_is_looked_through(tmp_path, places, packed):
    files = split(2, *places) | {f"{places[0]}/notes.txt": b"x"}
    place = (
        making.zip_of(tmp_path / "own.zip", files)
        if packed
        else making.lay_out(tmp_path / "own", files)
    )
    images = load("folder", str(place))
    assert images.classes == ("a", "b")
    assert sorted(np.bincount(images.split)) == sorted([4] * len(places) + [0] * (3 - len(places)))
    assert sorted(filenames.read(images.key, 4 * len(places))) == sorted(
        set(files) - {f"{places[0]}/notes.txt"}
    )


def test_one_folder_in_one_split_alone_is_a_class_and_the_other_split_lacks_it(tmp_path):
    folder = making.lay_out(tmp_path / "own", split(2, "train/mine", "test"))
    with pytest.raises(UserError, match="has no folder"):
        load("folder", str(folder))


@pytest.mark.parametrize(
    "names", [("x_train", "y_train", "x_test", "y_test"), ("images", "labels"), ("X", "y")]
)
@pytest.mark.parametrize("inside", ["", "data/"])
def test_arrays_with_labels_beside_them_are_refused_with_what_to_do(tmp_path, names, inside):
    content = io.BytesIO()
    np.save(content, np.zeros((4, 8, 8), np.uint8))
    folder = making.lay_out(
        tmp_path / "own", {f"{inside}{name}.npy": content.getvalue() for name in names}
    )
    with pytest.raises(UserError, match=r"save them in one file, numpy\.savez\('own\.npz'"):
        load("folder", str(folder))
