"""Own images on the Train page: what is shown, counted and warned of before anything is trained."""

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from paging import open_page, words
from PIL import Image

from app.sections import own_facts, own_images, own_sizes
from smd.config.schema import TrainConfig
from smd.data import Images, cautions, load
from smd.data.intensity import Bounds
from smd.data.split import carve
from smd.jobs import launch
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders

SHARED = Path(os.environ.get("SMD_SHARED_DATA") or REPOSITORY.parent / "shared" / "data")


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Nothing is started, and no import or answer of another test is found again."""
    monkeypatch.setattr(launch, "wake_all", lambda: None)
    monkeypatch.setattr(launch, "submit", lambda folder: None)
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    st.cache_data.clear()
    st.cache_resource.clear()


def picture(seed, size=(12, 12), mode="L"):
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(out, "PNG")
    return out.getvalue()


def lay_out(root, sizes=((12, 12),), **many):
    """A folder of class folders, so many images of each; the sizes take turns."""
    seed = 0
    for name, n in many.items():
        (root / name).mkdir(parents=True)
        for k in range(n):
            (root / name / f"{k:03}.png").write_bytes(picture(seed, sizes[k % len(sizes)]))
            seed += 1
    return root


def made_up(counts, split=None, shape=(1, 12, 12)):
    labels = np.repeat(np.arange(len(counts)), counts)
    pixels = np.random.default_rng(0).integers(0, 256, (len(labels), *shape), dtype=np.uint8)
    names = tuple("abcdefgh"[: len(counts)])
    given = np.zeros(len(labels), np.uint8) if split is None else split
    return Images("folder", "made-up", names, pixels, labels, given)


def at(path):
    """The Train page with own images at that path."""
    app = open_page("train")
    app.selectbox(key="train-data").set_value("folder").run()
    app.text_input(key="train-path").set_value(str(path)).run()
    assert not app.exception
    return app


def test_before_a_path_is_given_the_section_says_what_to_do():
    app = open_page("train")
    assert "Your images" not in words(app)
    app.selectbox(key="train-data").set_value("folder").run()
    assert "Enter the path of a folder or an archive" in words(app)


def test_a_path_alone_is_enough_to_train(tmp_path):
    app = at(lay_out(tmp_path / "images", cat=30, dog=30))
    app.button(key="train").click().run()
    (run,) = folders.all_runs()
    asked = run.config
    assert (asked.data, asked.data_path, asked.image_size) == (
        "folder",
        str(tmp_path / "images"),
        0,
    )
    assert load("folder", asked.data_path, asked.image_size).pixels.shape == (60, 1, 12, 12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "side"),
    [(((12, 12),), 0), (((12, 12), (20, 16)), 32), (((80, 100),), 80), (((20, 16),), 32)],
)
def test_the_suggested_size_suits_the_images(sizes, side, tmp_path):
    path = lay_out(tmp_path / "images", sizes, cat=30, dog=30)
    app = at(path)
    assert app.number_input(key="train-size").value == side
    app.button(key="look").click().run()
    assert not app.exception
    assert "What will be done" in words(app)


def test_a_size_of_ones_own_stays_until_the_path_changes(tmp_path):
    app = at(lay_out(tmp_path / "one", cat=30, dog=30))
    app.number_input(key="train-size").set_value(16).run()
    app.number_input(key="train-seed").set_value(1).run()
    assert app.number_input(key="train-size").value == 16
    app.text_input(key="train-path").set_value(
        str(lay_out(tmp_path / "two", ((90, 90),), cat=30, dog=30))
    ).run()
    assert app.number_input(key="train-size").value == 0


def test_a_survey_that_saw_only_a_part_suggests_the_side_it_saw():
    assert own_sizes.suited(own_sizes.Survey({(28, 28): 5000}, whole=False)) == 28
    assert own_sizes.suited(own_sizes.Survey({(28, 28): 5000}, whole=True)) == 0


def test_a_survey_stops_when_its_time_is_up(tmp_path, monkeypatch):
    monkeypatch.setattr(own_sizes, "PATIENCE", -1.0)
    found = own_sizes.survey(str(lay_out(tmp_path / "images", cat=3, dog=3)))
    assert (found.images, found.whole) == (0, False)


def test_nothing_is_imported_before_the_button_is_clicked(tmp_path):
    app = at(lay_out(tmp_path / "images", cat=30, dog=30))
    cache = tmp_path / "cache"
    assert "60 images, 12x12 pixels each; they will be used as they are" in words(app)
    assert not list(cache.glob("*"))
    app.button(key="look").click().run()
    assert len(list(cache.glob("folder-*"))) == 1


def test_images_that_are_in_the_cache_are_shown_at_once(tmp_path):
    path = lay_out(tmp_path / "images", cat=30, dog=30)
    load("folder", str(path))
    app = at(path)
    assert "What will be done" in words(app)
    assert "look" not in {button.key for button in app.button}


def test_what_is_shown_is_what_a_run_gets(tmp_path):
    app = at(lay_out(tmp_path / "images", cat=30, dog=70))
    app.button(key="look").click().run()
    table = next(frame.value for frame in app.dataframe if "class" in frame.value)
    assert table.values.tolist() == [
        ["cat", 22, 2, 6, 30],
        ["dog", 50, 6, 14, 70],
        ["all classes", 72, 8, 20, 100],
    ]
    text = words(app)
    assert "**100** images of 2 classes, used as they are, **12x12 pixels, gray**" in text
    assert "**72** images are trained on; a tenth, **8**, is kept for validation" in text
    assert "A fifth, **20**, is kept for testing" in text
    assert "Small CNN" in text
    assert "2/255, 4/255, 8/255" in text
    assert "15 KiB" in text
    assert "does not know patients" in text
    assert "cat" in {caption.value for caption in app.caption}


def test_splits_that_the_user_made_are_named_so():
    split = np.tile(np.array([0, 0, 0, 1, 2], np.uint8), 20)
    images = made_up((50, 50), split)
    told = " ".join(own_facts.plan(TrainConfig("folder", "x"), images, carve(images, 0)))
    assert "**20** are the validation images that you have set apart" in told
    assert "**20** are the test images that you have set apart" in told
    assert "tenth" not in told


def test_noise_is_said_in_the_units_of_the_files():
    images = made_up((50, 50))
    config = TrainConfig("folder", "x")
    assert "grey levels" not in " ".join(own_facts.plan(config, images, carve(images, 0)))
    images = replace(images, intensity=Bounds(-160, 240, "HU"))
    told = " ".join(own_facts.plan(config, images, carve(images, 0)))
    assert "Values from **-160 to 240 HU** become 0 to 1, in 256 grey levels" in told
    assert "2/255 is 3.14 HU, 4/255 is 6.27 HU, 8/255 is 12.5 HU." in told


def test_the_size_of_scans_is_read_from_their_headers(tmp_path):
    nibabel = pytest.importorskip("nibabel")
    volume = nibabel.Nifti1Image(np.zeros((80, 80, 5), np.int16), np.eye(4))
    for name in "ab":
        (tmp_path / "own" / name).mkdir(parents=True)
        (tmp_path / "own" / name / "0.nii").write_bytes(volume.to_bytes())
    assert own_sizes.survey(str(tmp_path / "own")).sizes == {(80, 80): 2}
    assert own_sizes.suggested(str(tmp_path / "own")) == 0  # alike and square


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("nowhere", None, "There is nothing at"),
        ("broken.zip", b"no archive", "cannot be read"),
        ("notes.txt", b"words", "is neither a folder nor one of"),
    ],
)
def test_a_wrong_path_says_what_to_do(name, content, sentence, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    app = at(tmp_path / name)
    if "look" in {button.key for button in app.button}:
        app.button(key="look").click().run()
    assert not app.exception
    assert sentence in " ".join(error.value for error in app.error)


def test_mixed_sizes_left_as_they_are_ask_for_a_size(tmp_path):
    app = at(lay_out(tmp_path / "images", ((12, 12), (20, 20)), cat=30, dog=30))
    app.number_input(key="train-size").set_value(0).run()
    assert "60 images, of 2 sizes: set a size above, such as 32" in words(app)
    app.button(key="look").click().run()
    assert "The images differ in size" in " ".join(error.value for error in app.error)


def test_the_page_warns_of_small_and_uneven_classes_and_of_test_images_that_were_trained_on(
    tmp_path,
):
    path = lay_out(tmp_path / "images" / "train", cat=160, dog=12)
    lay_out(tmp_path / "images" / "test", cat=20, dog=3)
    (path.parent / "test" / "dog" / "same.png").write_bytes((path / "dog" / "000.png").read_bytes())
    for k in range(20):  # the lay-outs draw the same pictures: make those in test/ others
        (path.parent / "test" / "cat" / f"{k:03}.png").write_bytes(picture(1000 + k))
    for k in range(3):
        (path.parent / "test" / "dog" / f"{k:03}.png").write_bytes(picture(2000 + k))
    app = at(path.parent)
    app.button(key="look").click().run()
    told = app.warning[0].value.split("\n")
    assert "Class 'dog' has fewer than 20 images" in told[0]
    assert "'cat' has 11 times as many images as 'dog'" in told[1]
    assert (
        "1 of 24 test images (such as 'test/dog/same.png') is also among the training or validation"
        " images" in told[2]
    )
    assert len(told) == 3


def test_even_classes_of_different_images_earn_no_warning(tmp_path):
    app = at(lay_out(tmp_path / "images", cat=30, dog=30))
    app.button(key="look").click().run()
    assert [warning.value for warning in app.warning] == []


def test_many_small_classes_are_named_in_one_sentence():
    images = made_up((5,) * 6 + (40,))
    (text,) = cautions.sentences(cautions.counts(images, carve(images, 0)), [], [])
    assert text.startswith("The classes 'a', 'b', 'c' and 3 more have fewer than 20 images")


def test_images_of_one_colour_are_counted():
    images = made_up((30, 30), shape=(3, 12, 12))
    images.pixels[3] = np.array([5, 9, 200])[:, None, None]
    images.pixels[7] = 0
    assert cautions.constant(images) == [3, 7]
    assert cautions.constant(made_up((3, 3), shape=(1, 4, 6, 6))) == []


def test_volumes_are_told_with_their_depth_and_shown_by_their_middle_slice(monkeypatch):
    images = made_up((30, 30), shape=(1, 6, 10, 10))
    assert own_facts.shape_words(images) == "10x10x6 voxels, gray"
    shown = []
    monkeypatch.setattr(
        own_images.pictures, "link", lambda pixels, side: shown.append(pixels) or ""
    )
    monkeypatch.setattr(own_images.st, "image", lambda *args, **more: None)
    own_images._tiles(images, "a", np.array([4]))
    np.testing.assert_array_equal(shown[0], images.pixels[4][:, 3])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "side", "net"),
    [
        ((60, 28, 28), 0, "small-cnn"),
        ((60, 90, 90), 0, "torchvision:resnet18"),
        ((60, 28, 20), 32, "small-cnn"),
        ((60, 8, 12, 12), 0, "volume-cnn"),
    ],
)
def test_arrays_get_the_size_and_network_that_suit_them(shape, side, net, tmp_path):
    values = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.savez(tmp_path / "scans.npz", images=values, labels=np.arange(60) % 2)
    app = at(tmp_path / "scans.npz")
    assert (
        app.number_input(key="train-size").value,
        app.selectbox(key="train-net-folder").value,
    ) == (side, net)
    app.button(key="look").click().run()
    assert not app.exception
    assert [error.value for error in app.error] == []
    assert "What will be done" in words(app)


def test_a_network_that_cannot_take_the_images_is_named(tmp_path):
    app = at(lay_out(tmp_path / "images", ((12, 12),), cat=30, dog=30))
    app.selectbox(key="train-net-folder").set_value("svhn-cnn").run()
    app.button(key="look").click().run()
    assert "svhn-cnn takes images of 25 to 64 pixels" in " ".join(
        error.value for error in app.error
    )


def test_many_classes_have_pages_of_examples(tmp_path):
    app = at(lay_out(tmp_path / "images", **{f"class{k}": 12 for k in range(8)}))
    app.button(key="look").click().run()
    assert not app.exception
    captions = {caption.value for caption in app.caption}
    assert {f"class{k}" for k in range(6)} <= captions
    assert "class7" not in captions


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no real image sets in {SHARED}")
def test_real_radiology_images_need_no_setting(monkeypatch):
    # a busy machine does not see all headers in three seconds
    monkeypatch.setattr(own_sizes, "PATIENCE", 60)
    app = at(SHARED / "mednist-subset-images.tar.gz")
    assert app.number_input(key="train-size").value == 0
    app.button(key="look").click().run(timeout=120)
    assert not app.exception
    (empty,) = [warning.value for warning in app.warning]  # slices beside the head
    assert empty.startswith("- 9 of 7,200 images (such as ")
    assert "nearly the same" in empty  # slices beside each other
    assert "HeadCT/" in empty
    table = next(frame.value for frame in app.dataframe if "class" in frame.value)
    assert table.iloc[-1].tolist() == ["all classes", 5400, 600, 1200, 7200]
    assert "**7,200** images of 6 classes, used as they are, **64x64 pixels, gray**" in words(app)
    app.button(key="train").click().run()
    assert folders.all_runs()[0].config.image_size == 0
