"""What a training on own images says beforehand is said in its log, its store and its model card
too."""

import numpy as np
import pytest
from paging import open_page
from PIL import Image
from storing import started

from app.components.plain import plain
from smd.config.schema import TrainConfig
from smd.jobs import launch
from smd.runs import folders
from smd.store import reader
from smd.store.writer import Recorder
from smd.tasks.train import train_run

pytestmark = pytest.mark.slow


def laid_out(root):
    """30 images of two classes, of which one is black and one is in both training and test."""
    rng = np.random.default_rng(0)
    for split, n in (("train", 10), ("test", 5)):
        for name in ("cat", "dog"):
            folder = root / split / name
            folder.mkdir(parents=True)
            for k in range(n):
                Image.fromarray(rng.integers(0, 256, (12, 12), dtype=np.uint8)).save(
                    folder / f"{k}.png"
                )
    Image.new("L", (12, 12)).save(root / "train" / "dog" / "0.png")
    (root / "test" / "cat" / "0.png").write_bytes((root / "train" / "cat" / "0.png").read_bytes())
    return root


@pytest.mark.slow
def test_cautions_are_in_log_store_and_card(tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    path = str(laid_out(tmp_path / "images"))
    (tmp_path / "images" / "train" / "cat" / "broken.png").write_bytes(b"no image")
    run = folders.create(
        TrainConfig("folder", path, defense="std", epochs=1, n_margins=0, skip_broken=True)
    )
    log = tmp_path / "log.txt"
    train_run(run, log)
    expected = (
        "fewer than 20 images",
        "1 of 10 test images (such as 'test/cat/0.png') is also",
        "'train/dog/0.png') is of one",
    )
    told = reader.meta(run.store)["image_cautions"]
    assert len(told) == len(expected)
    for text, sentence in zip(expected, told, strict=True):
        assert text in sentence
        assert sentence in log.read_text()
        assert sentence in (run.folder / "README.md").read_text()
    (note,) = reader.meta(run.store)["image_notes"]
    assert "1 of 31 images is left out as asked for" in note and "'train/cat/broken.png'" in note
    assert note in log.read_text()
    live = shown(run, monkeypatch)
    assert plain(note) in live.info[0].value
    assert live.warning[0].value.count("\n") == 2


def shown(run, monkeypatch):
    """The run's Live page."""
    monkeypatch.setattr(launch, "wake_all", lambda: None)
    return open_page("live", run=run.id)


def test_a_store_from_elsewhere_may_say_anything_there(own_runs, monkeypatch):
    run = folders.create(TrainConfig("folder", str(own_runs.parent), epochs=1), claim=True)
    for said in (5, [1, None], ["# *bold*"] * 1000):
        started(run.store)
        Recorder(run.store).describe({"image_notes": said, "image_cautions": said})
        Recorder(run.store).flush()
        assert all(box.value.count("\n") < 20 for box in [*shown(run, monkeypatch).info])
