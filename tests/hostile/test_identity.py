"""Images are the same if their content is: after a move, a copy, or when their cache is lost.

Others are refused.
"""

import os
import shutil

import numpy as np
import pytest
from making_runs import begun, picture_folder

from smd import data
from smd.data import content
from smd.errors import UserError
from smd.store import reader
from smd.tasks.images import images_of, locate


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    return picture_folder(tmp_path / "pictures")


def test_a_lost_cache_and_a_copy_at_the_same_place_are_the_same_images(cache, folder):
    run = begun(folder)
    before = np.array(images_of(run).pixels)
    shutil.rmtree(cache)
    for file in folder.rglob("*.png"):
        os.utime(file, (1, 1))  # as a copy without times would have it: the cache's key is another
    found = images_of(run)
    assert found.key != reader.meta(run.store)["images"]
    np.testing.assert_array_equal(found.pixels, before)


def test_the_same_images_imported_from_elsewhere_are_found(cache, folder):
    run = begun(folder)
    moved = folder.rename(folder.with_name("elsewhere"))
    shutil.rmtree(cache)
    other = data.load("folder", str(moved))
    content.of(other)
    assert images_of(run).key == other.key


def test_images_that_are_nowhere_are_said_with_the_command(cache, folder):
    run = begun(folder)
    shutil.rmtree(cache)
    shutil.rmtree(folder)
    with pytest.raises(UserError, match=rf"are gone.*python -m smd locate {run.id} --path PATH"):
        images_of(run)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_locate_finds_them_after_a_move_and_again_after_the_cache_is_lost(
    cache, folder, kind, smd_here
):
    run = begun(folder)
    before = np.array(images_of(run).pixels)
    shutil.rmtree(cache)
    place = folder.rename(folder.with_name("elsewhere"))
    if kind == "archive":
        place = shutil.make_archive(str(place), "zip", place)
        shutil.rmtree(folder.with_name("elsewhere"))
    done = smd_here("locate", run.id, "--path", place)
    assert str(place) in done.stdout
    np.testing.assert_array_equal(images_of(run).pixels, before)
    shutil.rmtree(cache)
    np.testing.assert_array_equal(images_of(run).pixels, before)
    assert "not imported" not in smd_here("locate", run.id).stdout


@pytest.mark.slow
def test_locate_refuses_other_images_and_keeps_nothing(cache, folder, tmp_path, smd_here):
    run = begun(folder)
    other = picture_folder(tmp_path / "others", seed=1)
    done = smd_here("locate", run.id, "--path", other, check=False)
    assert done.returncode == 1
    assert "other images than" in done.stderr
    assert "Traceback" not in done.stderr
    assert "located" not in reader.meta(run.store)


def test_one_pixel_is_another_content(folder):
    images = data.load("folder", str(folder))
    pixels = np.array(images.pixels)
    pixels[-1, 0, -1, -1] ^= 1
    other = data.Images(
        images.name, images.key, images.classes, pixels, images.labels, images.split
    )
    assert content.hashed(images) == content.of(images)
    assert content.hashed(other) != content.hashed(images)


def test_changed_images_are_refused_with_the_command(cache, folder):
    run = begun(folder)
    shutil.rmtree(cache)
    (folder / "dark" / "00.png").unlink()
    with pytest.raises(UserError, match=r"have changed since.*smd locate"):
        images_of(run)


def test_a_run_of_an_earlier_version_learns_its_hash_while_its_images_are_there(cache, folder):
    run = begun(folder, content=None)
    images_of(run)
    assert reader.meta(run.store)["content"]
    shutil.rmtree(cache)
    place = folder.rename(folder.with_name("elsewhere"))
    assert locate(run, str(place)) == place


def test_without_any_hash_nothing_is_taken_for_the_same(cache, folder):
    run = begun(folder, content=None)
    shutil.rmtree(cache)
    place = folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(UserError, match="Nothing can tell"):
        locate(run, str(place))


@pytest.mark.slow
@pytest.mark.parametrize("said", [7, [], {}, "../../etc", "", "\0"])
def test_what_a_foreign_store_says_of_its_images_opens_nothing_else(cache, folder, said):
    run = begun(folder, images="folder-000000000000", content=said, located=said)
    shutil.rmtree(cache)
    with pytest.raises(UserError):
        images_of(run)
