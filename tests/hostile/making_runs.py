"""Folders of pictures, and runs on them that have begun but were never trained."""

import numpy as np
from PIL import Image

from smd import data
from smd.config.schema import TrainConfig
from smd.data import content, filenames
from smd.data.split import carve
from smd.runs import folders
from smd.store.writer import Recorder


def picture_folder(root, n=12, names="{:02}.png", seed=0, classes=("dark", "light")):
    """Class folders of n gray 8x8 pictures each."""
    drawn = np.random.default_rng(seed)
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for k in range(n):
            pixels = drawn.integers(128 * number, 128 * number + 128, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / names.format(k))
    return root


def begun(path, **said):
    """A run on the images at that path, whose store says what the training job would; None takes a
    key away."""
    run = folders.create(TrainConfig(data="folder", data_path=str(path), epochs=1), claim=True)
    images = data.load("folder", str(path))
    splits = carve(images, 0)
    about = {
        "images": images.key,
        "content": content.of(images),
        "classes": list(images.classes),
    } | said
    rows = {part: getattr(splits, part) for part in ("train", "val", "test")}
    Recorder(run.store).start(
        {key: value for key, value in about.items() if value is not None},
        {part: (images.labels[of], of) for part, of in rows.items()},
        filenames.read(images.key, len(images.labels)),
    )
    return run
