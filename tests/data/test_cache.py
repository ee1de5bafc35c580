"""The uint8 cache: whole or not there, shared by processes, and quick to open."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from smd.data import cache, cached, load
from smd.errors import UserError
from smd.paths import AROUND as REPOSITORY


def make(folder: Path) -> cache.Imported:
    pixels = cache.allocate(folder, (6, 1, 2, 2))
    pixels[:] = np.arange(24).reshape(6, 1, 2, 2)
    return cache.Imported(("a", "b"), pixels, np.array([0, 1] * 3), np.array([0, 0, 1, 1, 2, 2]))


def never(folder: Path) -> cache.Imported:
    raise AssertionError("imported although it is cached")


def test_second_fetch_only_opens(tmp_path):
    first = cache.fetch("tiny", {"v": 1}, make)
    again = cache.fetch("tiny", {"v": 1}, never)
    assert again.key == first.key and again.key.startswith("tiny-")
    assert (again.name, again.classes) == ("tiny", ("a", "b"))
    assert isinstance(again.pixels, np.memmap) and not again.pixels.flags.writeable
    np.testing.assert_array_equal(again.pixels, np.arange(24).reshape(6, 1, 2, 2))
    assert again.labels.tolist() == [0, 1] * 3
    assert again.split.tolist() == [0, 0, 1, 1, 2, 2]


def test_another_fingerprint_is_another_cache():
    assert cache.fetch("tiny", {"v": 1}, make).key != cache.fetch("tiny", {"v": 2}, make).key


def test_cached_by_key():
    images = cache.fetch("tiny", {"v": 1}, make)
    np.testing.assert_array_equal(cached(images.key).pixels, images.pixels)
    assert cached("tiny-0123") is None
    assert cached("") is None


@pytest.mark.parametrize("file", ["images.npy", "labels.npy", "meta.json"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_damaged_cache_is_made_again(tmp_path, file, damage):
    key = cache.fetch("tiny", {"v": 1}, make).key
    place = tmp_path / "cache" / key / file
    content = place.read_bytes()
    place.unlink()
    if damage == "cut":
        place.write_bytes(content[:-5])
    assert cached(key) is None
    assert cache.fetch("tiny", {"v": 1}, make).key == key
    assert place.read_bytes() == content


def test_interrupted_import_leaves_nothing(tmp_path):
    def interrupted(folder: Path) -> cache.Imported:
        make(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.fetch("tiny", {"v": 1}, interrupted)
    assert not list((tmp_path / "cache").iterdir())


def test_whoever_finishes_second_takes_the_first_one(tmp_path):
    def overtaken(folder: Path) -> cache.Imported:
        cache.fetch("tiny", {"v": 1}, make)  # another process, while this one reads
        imported = make(folder)
        imported.pixels[:] = 0
        return imported

    assert cache.fetch("tiny", {"v": 1}, overtaken).pixels.any()
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_two_processes_at_once(tmp_path, two_classes, pack):
    source = pack(tmp_path / "own.tar.gz", two_classes)
    code = f"from smd.data import load; print(load('folder', {str(source)!r}).key)"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    keys = {process.communicate(timeout=50)[0].strip() for process in started}
    assert [process.returncode for process in started] == [0, 0]
    assert len(keys) == 1 and len(cached(keys.pop()).labels) == 12
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match="SMD_CACHE"):
        cache.fetch("tiny", {"v": 1}, make)


def test_meta_says_what_was_imported(tmp_path):
    key = cache.fetch("tiny", {"source": "here"}, make).key
    meta = json.loads((tmp_path / "cache" / key / "meta.json").read_text())
    assert meta == {
        "schema": cache.SCHEMA,
        "name": "tiny",
        "classes": ["a", "b"],
        "fingerprint": {"source": "here"},
    }


def test_pages_get_cached_sets_without_torch():
    code = (
        "import sys, smd.data, smd.data.split; key = smd.data.load('digits').key;"
        " smd.data.cached(key); print(sorted({'torch', 'torchvision', 'PIL'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_load_refuses_what_it_would_ignore():
    with pytest.raises(UserError, match="no data set 'mnist'"):
        load("mnist")
    with pytest.raises(UserError, match="own images only"):
        load("digits", path="/somewhere")
    with pytest.raises(UserError, match="own images only"):
        load("digits", image_size=16)
