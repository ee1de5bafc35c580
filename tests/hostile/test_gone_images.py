"""Samples names the file of each image, and says how lost images are found again.

Names are shown as plain text.
"""

import shutil

import pytest
from making_runs import begun, picture_folder
from paging import open_page, words

from app.components.plain import plain
from smd.store import reader
from smd.tasks.images import locate

NAME = "# 2 *mild* ![x](http:..example) {:02}.png"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def commands(app):
    return [code.value for code in app.code]


def test_samples_shows_the_file_as_plain_text(cache, tmp_path):
    run = begun(picture_folder(tmp_path / "own", names=NAME))
    path = reader.sample_paths(run.store, "train")["path"][3]
    app = open_page("samples", run=run.id, sample="3")
    assert plain(path) in words(app)
    assert any(plain(path) in (button.help or "") for button in app.button)


@pytest.mark.slow
def test_lost_images_are_told_with_the_command_and_come_back(cache, tmp_path):
    folder = picture_folder(tmp_path / "own")
    run = begun(folder)
    shutil.rmtree(cache)
    moved = folder.rename(tmp_path / "elsewhere")
    app = open_page("samples", run=run.id, sample="3")
    assert f"python -m smd locate {run.id} --path PATH" in commands(app)
    locate(run, str(moved))
    app.run()
    assert not app.exception
    assert not any("smd locate" in text for text in commands(app))
