"""Broken and odd files among own images.

Left out or converted where that was asked for, never otherwise.
"""

import making_images as making
import numpy as np
import pytest
from PIL import Image

from smd import data
from smd.config import commands, schema
from smd.config.schema import TrainConfig
from smd.data import filenames, load
from smd.data.validation import Unusable
from smd.errors import UserError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))


def spoilt():
    """Six images and two broken ones, neither the last of its class."""
    return making.two_classes() | {"a/00.png": b"", "b/1-broken.png": b"no image"}


@pytest.mark.parametrize("pack", [making.lay_out, making.zip_of])
def test_broken_files_are_left_out_when_asked_for_and_named(tmp_path, pack):
    place = tmp_path / ("own" if pack is making.lay_out else "own.zip")
    source = str(pack(place, spoilt()))
    with pytest.raises(Unusable, match="--skip-broken") as caught:
        load("folder", source)
    assert caught.value.broken == 2
    images = load("folder", source, skip_broken=True)
    whole = load("folder", str(making.lay_out(tmp_path / "whole", making.two_classes())))
    assert np.array_equal(images.pixels, whole.pixels) and np.array_equal(
        images.labels, whole.labels
    )
    assert filenames.read(images.key, 6) == tuple(sorted(making.two_classes()))
    assert (
        images.notes[0].startswith("2 of 8 images are left out as asked for")
        and "'a/00.png'" in images.notes[0]
    )
    assert data.cached(images.key).notes == images.notes


def test_a_class_without_a_readable_image_is_named(tmp_path):
    files = {
        name: b"" if name.startswith("b/") else content
        for name, content in making.two_classes().items()
    }
    with pytest.raises(UserError, match="class 'b' would be without any"):
        load("folder", str(making.lay_out(tmp_path / "own", files)), skip_broken=True)
    files = dict.fromkeys(files, b"no image")
    with pytest.raises(UserError, match="None of the 6 images"):
        load("folder", str(making.lay_out(tmp_path / "none", files)), skip_broken=True)


@pytest.mark.parametrize("first", ["L", "RGB"])
@pytest.mark.parametrize(("channels", "count"), [("rgb", 3), ("gray", 1)])
def test_mixed_colours_are_converted_when_asked_for(tmp_path, first, channels, count):
    other = "RGB" if first == "L" else "L"
    files = {f"{name}/{i}.png": making.picture(i, first) for name in "ab" for i in range(3)}
    odd = making.picture(9, other)
    source = str(making.lay_out(tmp_path / "own", files | {"b/9.png": odd}))
    with pytest.raises(Unusable, match="--channels rgb or gray") as caught:
        load("folder", source)
    assert caught.value.odd == ("channels",)
    images = load("folder", source, channels=channels)
    assert images.channels == count
    converted = (first == "L") == (channels == "rgb")
    assert images.notes[0].startswith("6 of 7 images" if converted else "1 of 7 images")
    mode = "RGB" if channels == "rgb" else "L"
    with Image.open(tmp_path / "own" / "b" / "9.png") as image:
        shown = np.atleast_3d(np.asarray(image.convert(mode))).transpose(2, 0, 1)
    assert np.array_equal(images.pixels[-1], shown)


def test_arrays_of_mixed_colours_are_converted_when_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    parts = {
        "train_images": rng.integers(0, 256, (40, 8, 8)),
        "test_images": rng.integers(0, 256, (10, 8, 8, 3)),
    }
    labels = {"train_labels": np.arange(40) % 2, "test_labels": np.arange(10) % 2}
    np.savez(
        tmp_path / "own.npz",
        **{name: values.astype(np.uint8) for name, values in (parts | labels).items()},
    )
    with pytest.raises(UserError, match="--channels rgb or gray"):
        load("folder", str(tmp_path / "own.npz"))
    images = load("folder", str(tmp_path / "own.npz"), channels="gray")
    assert images.channels == 1
    assert images.notes == ("10 images were converted to gray as asked for.",)


def test_the_choices_are_part_of_the_run_and_of_its_command():
    asked = TrainConfig("folder", "/x", skip_broken=True, channels="rgb")
    assert schema.from_json(TrainConfig, schema.to_json(asked)) == asked
    assert commands.train_command(asked).endswith("--path /x --skip-broken --channels rgb")
    earlier = {
        k: v for k, v in schema.to_json(asked).items() if k not in ("skip_broken", "channels")
    }
    assert not schema.from_json(TrainConfig, earlier).skip_broken
    for wrong in ({"skip_broken": 1}, {"channels": "cmyk"}, {"channels": None}):
        with pytest.raises(ValueError, match="must be"):
            schema.from_json(TrainConfig, schema.to_json(asked) | wrong)


def test_choices_are_for_own_images_only():
    with pytest.raises(UserError, match="own images only"):
        load("digits", skip_broken=True)
