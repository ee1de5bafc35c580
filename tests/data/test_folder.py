"""Own images: folders and archives of class folders."""

import io

import numpy as np
import pytest
from PIL import Image

from smd.data import cached, load
from smd.errors import UserError


@pytest.mark.parametrize("ending", ["", ".zip", ".tar", ".tar.gz", ".tgz"])
@pytest.mark.parametrize("top", ["", "pets/"])
def test_every_source_gives_the_same_rows(
    tmp_path, two_classes, lay_out, pack, pixels, ending, top
):
    files = {top + name: content for name, content in two_classes.items()}
    place = tmp_path / f"own{ending}"
    images = load("folder", str(pack(place, files) if ending else lay_out(place, files)))
    order = sorted(two_classes, key=lambda name: (name.startswith("test"), name))
    assert images.classes == ("cat", "dog")
    assert (images.channels, images.size) == (1, 8)
    assert images.labels.tolist() == [0] * 4 + [1] * 4 + [0] * 2 + [1] * 2
    assert images.split.tolist() == [0] * 8 + [2] * 4
    assert (images.labels.dtype, images.split.dtype, images.pixels.dtype) == (
        np.int64,
        np.uint8,
        np.uint8,
    )
    for row, name in enumerate(order):
        np.testing.assert_array_equal(images.pixels[row, 0], pixels(two_classes[name]))


def test_class_folders_alone_are_all_training(tmp_path, picture, lay_out):
    files = {f"{name}/{i}.png": picture(i) for name in ("b", "a", "test") for i in range(2)}
    images = load("folder", str(lay_out(tmp_path / "own", files)))
    assert images.classes == ("a", "b", "test")
    assert not images.split.any()


@pytest.mark.parametrize("name", ["val", "valid", "Validation"])
def test_validation_split_by_any_of_its_names(tmp_path, two_classes, lay_out, name):
    files = two_classes | {
        f"{name}/{c}/0.png": two_classes[f"train/{c}/0.png"] for c in ("cat", "dog")
    }
    images = load("folder", str(lay_out(tmp_path / "own", files)))
    assert np.bincount(images.split).tolist() == [8, 2, 4]


def test_what_is_no_image_is_ignored(tmp_path, two_classes, lay_out):
    files = two_classes | {
        "README.md": b"hello",
        "train/cat/notes.txt": b"",
        "train/.DS_Store": b"",
        "train/cat/.hidden.png": b"no image",
        "__MACOSX/train/cat/0.png": b"no image",
        "docs/a.pdf": b"",
    }
    assert len(load("folder", str(lay_out(tmp_path / "own", files))).labels) == 12


@pytest.mark.parametrize(
    "mode,channels", [("L", 1), ("1", 1), ("LA", 1), ("RGB", 3), ("RGBA", 3), ("P", 3)]
)
def test_channels_by_mode(tmp_path, picture, lay_out, mode, channels):
    files = {f"{name}/0.png": picture(mode=mode) for name in "ab"}
    assert load("folder", str(lay_out(tmp_path / "own", files))).channels == channels


def test_gray_jpeg_stays_gray(tmp_path, picture, lay_out):
    files = {f"{name}/0.jpg": picture(kind="JPEG") for name in "ab"}
    assert load("folder", str(lay_out(tmp_path / "own", files))).channels == 1


def test_palette_and_rgb_are_one_kind(tmp_path, picture, lay_out, pixels):
    files = {"a/0.png": picture(mode="RGB"), "b/0.png": picture(1, mode="P")}
    images = load("folder", str(lay_out(tmp_path / "own", files)))
    np.testing.assert_array_equal(images.pixels[0].transpose(1, 2, 0), pixels(files["a/0.png"]))
    assert images.pixels[1].std() > 0


def test_image_size_resizes_all(tmp_path, picture, lay_out):
    files = {"a/0.png": picture(size=(8, 8)), "b/0.png": picture(size=(40, 30))}
    folder = str(lay_out(tmp_path / "own", files))
    resized = load("folder", folder, image_size=16)
    assert resized.pixels.shape == (2, 1, 16, 16)
    assert resized.key != load("folder", folder, image_size=8).key


def test_shrinking_averages(tmp_path, lay_out):
    out = io.BytesIO()
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    Image.fromarray(stripes).save(out, "PNG")
    files = {f"{name}/0.png": out.getvalue() for name in "ab"}
    images = load("folder", str(lay_out(tmp_path / "own", files)), image_size=8)
    assert np.abs(images.pixels.astype(int) - 127).max() <= 10


def test_progress_rises_to_the_end(tmp_path, two_classes, pack):
    heard = []
    load(
        "folder",
        str(pack(tmp_path / "own.zip", two_classes)),
        progress=lambda *said: heard.append(said),
    )
    fractions = [fraction for _, fraction in heard]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0 and 0.9 < fractions[-1] <= 1
    assert all("own.zip" in text for text, _ in heard)


BROKEN = {
    "no images": (["train/cat/a.txt"], "no images"),
    "one class": (["a/0.png", "a/1.png"], "only one class .*'a'"),
    "one class in splits": (["train/a/0.png", "test/a/1.png"], "only one class .*'a'"),
    "no class folders": (["0.png", "1.png"], "'0.png' .*does not lie in a class folder"),
    "split within a class": (
        ["a/train/0.png", "b/train/0.png"],
        "'a/train' .*split within a class",
    ),
    "unreadable": (["a/0.png", "b/bad.png"], "'b/bad.png' cannot be read"),
    "cut off": (["a/0.png", "b/cut.png"], "'b/cut.png' cannot be read"),
    "mixed channels": (["a/0.png", "b/rgb.png"], "'a/0.png' is gray, 'b/rgb.png' is not"),
    "colour first": (["a/rgb.png", "b/0.png"], "'b/0.png' is gray, 'a/rgb.png' is not"),
    "deep colours": (["a/0.png", "b/deep.png"], "'b/deep.png' has more than 8 bits"),
    "sizes": (["a/0.png", "b/large.png"], "'a/0.png' is 8x8 .*'b/large.png' is 9x9.*image size"),
    "not square": (["a/wide.png", "b/wide.png"], "'a/wide.png' is 9x8 .*image size"),
    "no train": (["test/a/0.png", "test/b/0.png", "val/a/0.png"], "no 'train' folder"),
    "stray folder": (["train/a/0.png", "train/b/0.png", "more/a/0.png"], "'more' .*beside 'train'"),
    "class missing": (["train/a/0.png", "train/b/0.png", "test/a/0.png"], "'test' .*no folder 'b'"),
    "class empty": (
        ["train/a/0.png", "train/b/0.png", "train/c/0.txt"],
        "'train/c' .*holds no images",
    ),
}


@pytest.fixture
def contents(picture) -> dict[str, bytes]:
    """What the file of that name holds; all others hold a gray 8x8 PNG."""
    return {
        "bad.png": b"no image",
        "cut.png": picture()[:60],
        "rgb.png": picture(mode="RGB"),
        "deep.png": picture(mode="I;16"),
        "large.png": picture(size=(9, 9)),
        "wide.png": picture(size=(9, 8)),
    }


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("packed", [False, True])
def test_broken_sets_are_refused_in_plain_words(
    tmp_path, picture, contents, lay_out, pack, case, packed
):
    names, words = BROKEN[case]
    files = {name: contents.get(name.split("/")[-1], picture()) for name in names}
    place = tmp_path / ("own.tar.gz" if packed else "own")
    with pytest.raises(UserError, match=words):
        load("folder", str(pack(place, files) if packed else lay_out(place, files)))
    assert not list((tmp_path / "cache").glob("*")), "a failed import leaves nothing behind"


def test_empty_class_folder_is_named(tmp_path, two_classes, lay_out):
    folder = lay_out(tmp_path / "own", two_classes)
    (folder / "train" / "cow").mkdir()
    with pytest.raises(UserError, match="'train/cow'"):
        load("folder", str(folder))


def test_huge_image_is_refused_before_it_is_decoded(tmp_path, picture, lay_out, monkeypatch):
    monkeypatch.setattr("smd.data.decode.MAX_PIXELS", 63)
    with pytest.raises(UserError, match=r"0.png' is 8x8 pixels large"):
        load("folder", str(lay_out(tmp_path / "own", {f"{c}/0.png": picture() for c in "ab"})))


def test_unknown_path(tmp_path):
    with pytest.raises(UserError, match=r"nothing at .*missing"):
        load("folder", str(tmp_path / "missing"))
    with pytest.raises(UserError, match="nothing at"):
        load("folder")
    (tmp_path / "own.rar").write_bytes(b"")
    with pytest.raises(UserError, match=r"own.rar is neither a folder nor one of .zip"):
        load("folder", str(tmp_path / "own.rar"))


@pytest.mark.parametrize("path", ["~nobody-of-that-name/own.npz", "x" * 5000 + ".npz", "a\0b.npy"])
def test_what_cannot_be_a_path_is_refused_like_a_missing_one(path):
    with pytest.raises(UserError, match="nothing at"):
        load("folder", path)


def test_changed_folder_is_read_again_and_the_old_cache_stays(
    tmp_path, two_classes, picture, lay_out
):
    folder = lay_out(tmp_path / "own", two_classes)
    old = load("folder", str(folder))
    lay_out(folder, {"train/cat/new.png": picture(99)})
    new = load("folder", str(folder))
    assert len(new.labels) == 13
    assert len(cached(old.key).labels) == 12


def test_links_to_folders_are_followed_but_not_in_circles(tmp_path, two_classes, lay_out):
    folder = lay_out(tmp_path / "real", two_classes)
    linked = tmp_path / "own"
    linked.mkdir()
    (linked / "train").symlink_to(folder / "train")
    (folder / "train" / "cat" / "loop").symlink_to(folder)
    assert len(load("folder", str(linked)).labels) == 8
