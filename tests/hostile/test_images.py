"""Own images from anywhere.

Nothing is read without a limit, nothing is changed or left out without a word.
"""

import io
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import making_images as making
import numpy as np
import pytest
import streamlit as st
from PIL import EpsImagePlugin, Image

from app.sections import own_sizes
from smd.data import load, suited_net
from smd.data.archive import OutOfTime
from smd.data.folder import found
from smd.data.request import Request
from smd.errors import UserError
from smd.files import leftovers
from smd.paths import AROUND as REPOSITORY


@pytest.fixture(autouse=True)
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SMD_DATA", str(tmp_path / "data"))
    st.cache_data.clear()


def typed(path: Path) -> float:
    """Seconds until the Train page has an answer for that path."""
    begun = time.monotonic()
    with suppress(UserError):
        own_sizes.suggested(str(path))
    suited_net(Request(str(path)), hurried=True)
    return time.monotonic() - begun


@pytest.mark.parametrize("case", making.SPECIAL)
def test_what_is_no_ordinary_file_is_named_and_never_read(tmp_path, case):
    make, words = making.SPECIAL[case]
    folder = making.lay_out(tmp_path / "own", making.two_classes())
    make(folder / "a" / "odd.png")
    assert typed(folder) < 2
    with pytest.raises(UserError, match=rf"odd.png.* {words}"):
        load("folder", str(folder))
    assert not list((tmp_path / "cache").glob("*"))


@pytest.mark.parametrize("case", ["pipe", "device", "socket"])
def test_a_source_that_is_no_ordinary_file_is_refused(tmp_path, case):
    make, words = making.SPECIAL[case]
    for name in ("own.zip", "own.npz", "own.tar.gz"):
        make(tmp_path / name)
        with pytest.raises(UserError, match=words):
            load("folder", str(tmp_path / name))


def test_only_formats_of_pixels_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(
        EpsImagePlugin, "Ghostscript", lambda *args, **more: pytest.fail("Ghostscript was started")
    )
    folder = making.lay_out(
        tmp_path / "own", making.two_classes() | {"a/odd.png": making.postscript()}
    )
    with pytest.raises(
        UserError, match=r"odd.png' cannot be read \(it is none of the kinds"
    ) as caught:
        load("folder", str(folder))
    assert "0x" not in str(caught.value)


def test_of_many_frames_the_first_is_used_and_the_others_are_not_looked_for(tmp_path):
    folder = making.lay_out(
        tmp_path / "own", making.two_classes() | {"a/many.tif": making.frames(300)}
    )
    read = []
    seek = Image.Image.seek
    with pytest.MonkeyPatch.context() as patch:
        from PIL import TiffImagePlugin

        frame = TiffImagePlugin.TiffImageFile._seek
        patch.setattr(
            TiffImagePlugin.TiffImageFile, "_seek", lambda self, k: read.append(k) or frame(self, k)
        )
        images = load("folder", str(folder))
    assert seek and max(read) <= 1
    assert images.notes == (
        "1 of 7 images have several frames or pages: only the first one is used.",
    )


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("~nobodyx/y", "nothing at"),
        ("a\0b", "nothing at"),
        ("a\nb", "nothing at"),
        ("x" * 9000, "nothing at"),
    ],
)
def test_what_cannot_be_a_path_gets_one_sentence(path, words):
    with pytest.raises(UserError, match=words) as caught:
        load("folder", path)
    assert len(str(caught.value)) < 1000
    assert not set("\0\n") & set(str(caught.value))


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_around_a_path_are_named(tmp_path, quote):
    folder = making.lay_out(tmp_path / "own", making.two_classes())
    with pytest.raises(UserError, match="leave out the quotes"):
        load("folder", f"{quote}{folder}{quote}")


@pytest.mark.slow
@pytest.mark.parametrize("make", [making.tar_of_many, making.zip_of_many])
def test_a_million_members_are_answered_at_once(tmp_path, make):
    name = "own.zip" if make is making.zip_of_many else "own.tar.gz"
    assert typed(make(tmp_path / name, 1_000_000)) < 4  # under 2 s alone on a machine


@pytest.mark.slow
def test_a_folder_that_takes_long_to_list_is_answered_before_that(tmp_path, monkeypatch):
    folder = making.lay_out(tmp_path / "own", making.two_classes())
    scan, listed = os.scandir, []

    class Endless:
        """A folder of a million files, listed a file a millisecond."""

        def __init__(self, place):
            self.found = scan(place)
            self.entry, *_ = (entry for entry in scan(folder / "a"))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.found.close()

        def __iter__(self):
            for _ in range(1_000_000):
                time.sleep(0.001)
                listed.append(1)
                yield self.entry

    monkeypatch.setattr(os, "scandir", Endless)
    assert typed(folder) < 3
    with pytest.raises(OutOfTime):
        found(Request(str(folder)), time.monotonic() + 0.1)
    assert len(listed) < 10_000


def test_a_tar_bomb_is_answered_at_once_and_refused(tmp_path):
    bomb = making.tar_bomb(tmp_path / "own.tar.gz", 10)
    assert bomb.stat().st_size < 20 * 10**6
    assert typed(bomb) < 4
    with pytest.raises(UserError, match=r"own.tar.gz is refused: .* unpack to"):
        load("folder", str(bomb))


def test_more_members_than_an_archive_may_have_are_refused_by_its_end(tmp_path):
    begun = time.process_time()
    with pytest.raises(UserError, match="or 2,000,000 files"):
        load("folder", str(making.zip_of_many(tmp_path / "own.zip", 3_000_000)))
    assert time.process_time() - begun < 10


@pytest.mark.slow
def test_an_npz_bomb_is_refused_before_anything_is_written(tmp_path):
    bomb = making.npz_bomb(tmp_path / "own.npz", 2)
    with pytest.raises(UserError, match=r"own.npz is refused: .* unpack to 2"):
        load("folder", str(bomb))
    assert not list((tmp_path / "cache").glob("*"))


ALPHA = ["RGBA", "LA", "P", "L", "RGB"]


@pytest.mark.parametrize("mode", ALPHA)
def test_transparent_parts_are_white_as_a_viewer_shows_them(tmp_path, mode):
    """Black shapes that differ in their alpha alone."""
    shape = np.zeros((8, 8), np.uint8)
    shape[2:6, 2:6] = 255
    drawn = Image.merge("LA", [Image.new("L", (8, 8)), Image.fromarray(shape)])
    if mode in ("P", "L", "RGB"):  # one value of all is transparent
        palette = Image.fromarray(255 - shape)
        hole = (255, 255, 255) if mode == "RGB" else 255
        data = making.encoded(palette.convert(mode), transparency=hole)
    else:
        data = making.encoded(drawn.convert(mode))
    folder = making.lay_out(tmp_path / "own", {"a/0.png": data, "b/0.png": data})
    images = load("folder", str(folder))
    np.testing.assert_array_equal(images.pixels[0, 0], 255 - shape)
    assert images.notes == ("2 of 2 images have transparent parts: they were laid on white.",)


def test_opaque_alpha_changes_nothing(tmp_path):
    data = making.picture(mode="RGBA")
    images = load(
        "folder", str(making.lay_out(tmp_path / "own", {"a/0.png": data, "b/0.png": data}))
    )
    np.testing.assert_array_equal(
        images.pixels[0].transpose(1, 2, 0), np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    )
    assert images.notes == ()


def test_an_image_is_turned_as_its_exif_says(tmp_path):
    data = making.oriented(6)  # to be turned by 90 degrees clockwise: the left side becomes the top
    images = load(
        "folder",
        str(making.lay_out(tmp_path / "own", {"a/0.jpg": data, "b/0.jpg": data})),
        image_size=16,
    )
    assert images.pixels[0, 0, 0].max() < 20 and images.pixels[0, 0, -1].min() > 235
    assert images.notes == ("2 of 2 images were turned as their EXIF orientation says.",)


def test_the_photo_of_an_mpo_is_its_first_frame(tmp_path):
    first, second = (Image.new("L", (8, 8), value) for value in (40, 200))
    data = making.encoded(first, "MPO", save_all=True, append_images=[second])
    images = load(
        "folder", str(making.lay_out(tmp_path / "own", {"a/0.jpg": data, "b/0.mpo": data}))
    )
    assert np.abs(images.pixels.astype(int) - 40).max() < 3


KINDS = {
    "jfif": "JPEG",
    "ppm": "PPM",
    "pgm": "PPM",
    "webp": "WEBP",
    "tif": "TIFF",
    "jp2": "JPEG2000",
    "tga": "TGA",
}


@pytest.mark.parametrize("suffix", KINDS)
def test_formats_of_pixels_are_taken(tmp_path, suffix):
    mode = "RGB" if suffix == "ppm" else "L"
    files = {
        f"{c}/0.{suffix}": making.picture(seed, mode, kind=KINDS[suffix])
        for seed, c in enumerate("ab")
    }
    assert len(load("folder", str(making.lay_out(tmp_path / "own", files))).labels) == 2


def test_all_broken_and_odd_files_are_told_at_once(tmp_path):
    files = making.two_classes() | {
        "a/empty.png": b"",
        "b/broken.png": b"no image",
        "b/cut.png": making.picture()[:60],
    }
    files |= {f"b/rgb{i}.png": making.picture(mode="RGB") for i in range(3)} | {
        "b/large.png": making.picture(size=(9, 9))
    }
    with pytest.raises(UserError, match=r"^7 of 13 images are in the way\.") as caught:
        load("folder", str(making.lay_out(tmp_path / "own", files)))
    said = str(caught.value)
    assert "'a/empty.png' is empty (0 bytes)" in said
    assert "'b/broken.png' cannot be read" in said and "'b/cut.png' cannot be read" in said
    assert "'b/rgb0.png' is not" in said and "2 more differ" in said
    assert "'b/large.png' is 9x9" in said
    assert "0x" not in said


def test_the_list_of_broken_files_has_an_end(tmp_path):
    files = making.two_classes() | {f"a/bad{i:03}.png": b"no image" for i in range(200)}
    with pytest.raises(UserError, match=r"200 of 206 images .* 190 more cannot be used") as caught:
        load("folder", str(making.lay_out(tmp_path / "own", files)))
    assert len(str(caught.value)) < 3000


IMPORT = """
import sys
from smd.data import load
def progress(text, share):
    if share > 0.3:
        print("half", flush=True)
        sys.stdin.read()
load("folder", sys.argv[1], progress=progress)
"""


def test_a_killed_import_is_swept_by_the_next_one_and_a_living_one_is_not(tmp_path):
    folder = making.lay_out(tmp_path / "own", making.two_classes(30))
    other = making.lay_out(tmp_path / "other", making.two_classes())
    place = tmp_path / "cache"
    with subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(folder)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as importing:
        assert importing.stdout.readline() == b"half\n"
        load("folder", str(other))
        assert len(list(place.glob(".folder-*"))) == 1
        importing.kill()
    load("folder", str(other), image_size=16)
    assert not list(place.glob(".folder-*"))
    assert len(list(place.glob("folder-*"))) == 2
    assert not list(place.rglob(leftovers.LOCK))


def test_old_leftovers_without_a_lock_are_swept_and_links_are_not_followed(tmp_path, monkeypatch):
    kept = making.lay_out(tmp_path / "kept", {"a.txt": b"mine"})
    for root, name in (
        (tmp_path / "cache", ".folder-0123456789ab-abcd1234"),
        (tmp_path / "runs", ".trash-run"),
    ):
        making.lay_out(root / name, {"images.npy": b"x"})
        (root / f"{name[:-1]}x").symlink_to(kept)
    for age, left in ((0.0, 2), (2 * leftovers.OLD, 1)):
        monkeypatch.setattr(leftovers, "_age", lambda folder, age=age: age)
        leftovers.sweep(tmp_path / "cache")
        leftovers.sweep_trash(tmp_path / "runs")
        assert [len(list((tmp_path / root).iterdir())) for root in ("cache", "runs")] == [
            left,
            left,
        ]
    assert (kept / "a.txt").read_bytes() == b"mine"
