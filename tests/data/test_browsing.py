"""Looking into the folder of data: what can be chosen there, and nothing outside it."""

import os

import pytest

from smd.data import browsing
from smd.errors import UserError


def test_folders_archives_and_arrays_are_listed_by_name(tmp_path):
    for name in ("scans", "b", ".hidden"):
        (tmp_path / name).mkdir()
    for name in ("a.zip", "x.NPZ", "notes.txt", "photo.png", ".secret.zip"):
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / "pipe.zip")
    listed = browsing.listing(tmp_path, "")
    assert listed == browsing.Listing(("b", "scans"), ("a.zip", "x.NPZ"), False)


def test_links_are_followed_inside_the_folder_alone(tmp_path):
    root, outside = tmp_path / "data", tmp_path / "outside"
    (root / "in").mkdir(parents=True)
    outside.mkdir()
    (root / "out").symlink_to(outside)
    (root / "again").symlink_to(root / "in")
    (root / "gone.zip").symlink_to(root / "nothing")
    assert browsing.listing(root, "").folders == ("again", "in")
    for below in ("out", "..", "../outside", "/etc", "in/../..", "a\0b"):
        with pytest.raises(UserError, match="lies outside"):
            browsing.listing(root, below)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match="cannot be listed"):
        browsing.listing(tmp_path, "nowhere")
    assert browsing.listing(tmp_path / "nothing yet", "") == browsing.Listing((), (), False)


def test_of_a_full_folder_the_first_are_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(browsing, "MOST", 2)
    for k in range(4):
        (tmp_path / f"{k}.zip").touch()
    listed = browsing.listing(tmp_path, "")
    assert listed.files == ("0.zip", "1.zip")
    assert listed.more
