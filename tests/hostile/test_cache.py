"""The cache of imported images on disks that fill, and in folders that several people use."""

import os
import stat
import subprocess
import sys

import numpy as np
import pytest

from smd.data import cache, cached, disk
from smd.errors import UserError
from smd.paths import AROUND as REPOSITORY
from tests.hostile import making_machines
from tests.hostile.making_machines import IMPORTER, mounts


def make(folder):
    pixels = cache.allocate(folder, (400, 1, 32, 32))
    pixels[:] = 7
    return cache.Imported(("a",), pixels, np.zeros(400, int), np.zeros(400, int))


@mounts
def test_a_cache_disk_that_fills_in_mid_import_kills_nobody(tmp_path):
    with making_machines.disk(tmp_path / "disk", "600k") as place:
        done = subprocess.run(
            [sys.executable, "-c", IMPORTER],
            env={**os.environ, "SMD_CACHE": str(place)},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.returncode  # -7 would be SIGBUS
        assert (
            "said: The cache of these images cannot be written (No space left on device)"
            in done.stderr
        )
        assert [path.name for path in place.iterdir()] == ["ballast"]


@mounts
def test_a_cache_disk_that_others_filled_after_the_free_space_was_asked_for(tmp_path, monkeypatch):
    with making_machines.disk(tmp_path / "disk", "256k") as place:
        monkeypatch.setenv("SMD_CACHE", str(place))
        monkeypatch.setattr(disk, "require", lambda needed, what: None)
        with pytest.raises(UserError, match=r"No space left on device.*SMD_CACHE"):
            cache.fetch("tiny", {"v": 1}, make)
        assert list(place.iterdir()) == []


def test_the_pixels_have_their_room_before_the_first_is_written(tmp_path):
    pixels = cache.allocate(tmp_path, (400, 1, 32, 32))
    assert (tmp_path / cache.PIXELS).stat().st_blocks * 512 >= pixels.nbytes


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_a_cache_is_as_open_as_the_umask_says(tmp_path, monkeypatch, umask):
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    before = os.umask(umask)
    try:
        key = cache.fetch("tiny", {"v": 1}, make).key
    finally:
        os.umask(before)
    folder = tmp_path / "cache" / key
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o666 for path in (folder, *folder.iterdir())}
    assert modes == {0o666 & ~umask}


@pytest.mark.parametrize("file", [cache.PIXELS, cache.LABELS, cache.SPLIT, cache.META])
def test_a_cache_that_a_power_loss_emptied_is_made_again(tmp_path, monkeypatch, file):
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    key = cache.fetch("tiny", {"v": 1}, make).key
    (tmp_path / "cache" / key / file).write_bytes(b"")
    assert cached(key) is None
    assert cache.fetch("tiny", {"v": 1}, make).pixels.max() == 7
