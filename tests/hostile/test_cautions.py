"""What a training on own images says beforehand is said in its log, its store and its model card too."""

import numpy as np
from PIL import Image

from smd import runs
from smd.config import TrainConfig
from smd.store import reader
from smd.tasks.train import train_run


def laid_out(root):
    """30 images of two classes, of which one is black and one is in both training and test."""
    rng = np.random.default_rng(0)
    for split, n in (("train", 10), ("test", 5)):
        for name in ("cat", "dog"):
            folder = root / split / name
            folder.mkdir(parents=True)
            for k in range(n):
                Image.fromarray(rng.integers(0, 256, (12, 12), dtype=np.uint8)).save(folder / f"{k}.png")
    Image.new("L", (12, 12)).save(root / "train" / "dog" / "0.png")
    (root / "test" / "cat" / "0.png").write_bytes((root / "train" / "cat" / "0.png").read_bytes())
    return root


def test_cautions_are_in_log_store_and_card(tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    path = str(laid_out(tmp_path / "images"))
    run = runs.create(TrainConfig("folder", path, defense="std", epochs=1, n_margins=0))
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
